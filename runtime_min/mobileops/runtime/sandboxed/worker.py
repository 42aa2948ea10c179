"""The plugin's process, from the moment the sandbox is closed: load the class, serve the channel, run the lifecycle.

The main thread runs `begin()` (a service's ``start()``); a serving thread reads the channel and runs exported methods;
`mobileops.runtime.sandboxed.serving.server` says when there are more.
`end()` therefore runs in the serving thread while `begin()` may still loop, as the mission's service example expects.

Order: pre_upgrade hook, if it is one → pre_start hook → import → instantiate → initialize() → NOTE state "ready" →
post_start hook → begin(); of an integration, begin() comes before "ready". On CONTROL "stop": pre_stop hook, unless
CONTROL "prepare" ran it already → end() → answer → post_stop hook → exit 0. Whatever goes wrong before "ready" becomes
NOTE state "failed" with the cause, and exit 1.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from mobileops.plugin import host as hosts
from mobileops.plugin.loading import load_class, search_path
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.sandboxed import hooks
from mobileops.runtime.sandboxed.activity import Activity
from mobileops.runtime.sandboxed.logging_bridge import install as install_logging
from mobileops.runtime.sandboxed.serving.host import WorkerHost
from mobileops.runtime.sandboxed.serving.server import Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping


APP: Final = Path("/app")
EXIT_FAILED: Final = 1


def main(connection: socket.socket, assignment: Mapping[str, Any]) -> NoReturn:
    """Run the plugin; the zygote calls this as the last thing it does in a child.

    Args:
        connection: to the plugin manager.
        assignment: as of `WorkerHost`; ``app`` is the plugin's folder where that is not mounted at /app, and
            ``debugger`` is there in debug mode, as of `mobileops.runtime.sandboxed.debugger`.
    """
    app = Path(assignment.get("app", APP))
    host = WorkerHost(BlockingChannel(connection), assignment, app=app)
    hosts.attach(host)
    sys.path[:0] = search_path(app)
    install_logging(host)
    if "debugger" in assignment:
        from mobileops.runtime.sandboxed.debugger import await_editors  # noqa: PLC0415  only debug mode needs it

        await_editors(host, assignment["debugger"])
    status = run(host, on_gone=lambda: os._exit(EXIT_FAILED), app=app)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(host: WorkerHost, *, on_gone: Callable[[], object], app: Path = APP) -> int:
    """Load, initialise, serve and end the plugin; return the process's exit status.

    Args:
        host: the plugin's host, attached.
        on_gone: called in the serving thread when the plugin manager is gone.
        app: the plugin's folder.
    """
    try:
        if host.is_upgrade:
            hooks.before(host, "pre_upgrade", app=app)
        hooks.before(host, "pre_start", app=app)
        plugin = load_class(app, str(host.document["entry_point"]), str(host.document["type"]))()
        activity = host.activity = Activity(
            lambda: host.settle(plugin.begin()), stop_timeout_s=host.stop_timeout_s, aside=not plugin.ready_when_begun
        )
        server = Server(host, plugin, activity=activity, app=app, on_gone=on_gone)
        if host.settle(plugin.initialize()) is False:
            return _fail(host, "initialize() returned False")
        if plugin.ready_when_begun:
            host.settle(plugin.begin())
    except BaseException as error:  # noqa: BLE001  any way out of an author's code is a failed start
        return _fail(host, f"{type(error).__name__}: {error}", error)
    host.mark_ready(server.methods, streams=server.streams)
    serving = threading.Thread(target=server.serve, name="mobileops-channel", daemon=True)
    try:
        hooks.after(host, "post_start", app=app)
        serving.start()  # after the hook, so that a stop at once cannot overtake it
        activity.run()
        serving.join()
        hooks.after(host, "post_stop", app=app)
    except BaseException as error:  # noqa: BLE001  the main activity failed: the plugin is over
        return _fail(host, f"{type(error).__name__}: {error}", error)
    return 0


def _fail(host: WorkerHost, cause: str, error: BaseException | None = None) -> int:
    """Report why the plugin ends; the traceback goes to the plugin's own log.

    Which the operator reads with ``logs``.
    """
    if error is not None:
        sys.stderr.write("".join(traceback.format_exception(error)))
    host.send(Frame(Kind.NOTE, 0, "state", {"state": "failed", "cause": cause}))
    return EXIT_FAILED
