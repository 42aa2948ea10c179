"""The plugin's process, from the moment the sandbox is closed: load the class, serve the channel, run the lifecycle.

Two threads: the main thread runs `begin()` (a service's ``start()``); a serving thread reads the channel and runs
exported methods one after the other.
`end()` therefore runs in the serving thread while `begin()` may still loop, as the mission's service example expects.

Order: pre_upgrade hook, if it is one → pre_start hook → import → instantiate → initialize() → NOTE state "ready" →
post_start hook → begin(). On CONTROL "stop": pre_stop hook, unless CONTROL "prepare" ran it already → end() → answer →
post_stop hook → exit 0. Whatever goes wrong before "ready" becomes NOTE state "failed" with the cause, and exit 1.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from mobileops.errors import MobileOpsError, NotFoundError, PluginError
from mobileops.plugin import host as hosts
from mobileops.plugin.configuration import layered
from mobileops.plugin.host import Request
from mobileops.plugin.loading import load_class, search_path
from mobileops.plugin.messages import Sender
from mobileops.plugin.methods import exported
from mobileops.runtime import hooks
from mobileops.runtime.activity import Activity
from mobileops.runtime.exchange import Exchange
from mobileops.runtime.logging_bridge import install as install_logging
from mobileops.runtime.rpc import BlockingChannel, Frame, Kind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from mobileops.plugin.base import Plugin

APP: Final = Path("/app")
EXIT_FAILED: Final = 1
STOP_TIMEOUT_S: Final = 10.0
"""Where nobody says otherwise; the schema's default."""

MAX_QUEUED_REQUESTS: Final = 1024


class WorkerHost:
    """The `mobileops.plugin.host.Host` of a sandboxed plugin: everything goes over the channel."""

    def __init__(self, channel: BlockingChannel, assignment: Mapping[str, Any], *, app: Path = APP) -> None:
        """Bind a host to its channel.

        Args:
            channel: to the plugin manager.
            assignment: ``{"manifest": document, "settings": {...}, "debug": bool, "upgrade": bool,
                "stop_timeout_s": float}``; only the first must be there.
            app: the plugin's folder.
        """
        self.document: Mapping[str, Any] = assignment["manifest"]
        self.debug = bool(assignment.get("debug"))
        self.is_upgrade = bool(assignment.get("upgrade"))
        self.stop_timeout_s = float(assignment.get("stop_timeout_s", STOP_TIMEOUT_S))
        self.activity: Activity | None = None
        self._settings: Mapping[str, Any] = assignment.get("settings", {})
        self._app = app
        self._exchange = Exchange(channel)
        self._queue: list[Request] = []
        self._queued_ids: set[int] = set()
        self._ready_at: float | None = None

    @property
    def name(self) -> str:
        """The manifest's name."""
        return str(self.document["name"])

    @property
    def version(self) -> str:
        """The manifest's version."""
        return str(self.document["version"])

    def configuration(self) -> dict[str, Any]:
        """Return the layered configuration."""
        try:
            conf = (self._app / "config" / "default.conf").read_text(encoding="utf-8")
        except FileNotFoundError:
            conf = None
        return layered(conf, self.document.get("configuration", {}), self._settings)

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Send one log record; a field that cannot be sent is sent as text."""
        record = {"level": level, "message": message, "time": time.time()}
        try:
            self.send(Frame(Kind.NOTE, 0, "log", {**record, "fields": dict(fields)}))
        except TypeError:
            self.send(
                Frame(Kind.NOTE, 0, "log", {**record, "fields": {key: repr(value) for key, value in fields.items()}})
            )

    def uptime_s(self) -> float:
        """Return the seconds since "ready"."""
        return 0.0 if self._ready_at is None else time.monotonic() - self._ready_at

    def take_requests(self) -> list[Request]:
        """Return and forget the queued requests."""
        taken, self._queue = self._queue, []
        return taken

    def respond(self, request_id: int, result: object) -> None:
        """Answer a queued request.

        Raises:
            ValueError: no such request waits.
        """
        self._answered(request_id)
        self.send(Frame(Kind.RESULT, request_id, "", result))

    def respond_error(self, request_id: int, message: str) -> None:
        """Answer a queued request with an error.

        Raises:
            ValueError: no such request waits.
        """
        self._answered(request_id)
        self.send(
            Frame(
                Kind.ERROR,
                request_id,
                "",
                {"type": "PluginError", "message": message, "code": "MOP5011", "detail": None},
            )
        )

    def is_managed(self) -> bool:
        """The plugin manager drives the lifecycle."""
        return True

    def join_activity(self) -> None:
        """Wait until the main activity has returned; see `Activity.join`."""
        if self.activity is not None:
            self.activity.join()

    def enqueue(self, frame: Frame) -> None:
        """Queue a request, or answer at once that the queue is full."""
        if len(self._queue) >= MAX_QUEUED_REQUESTS:
            message = f"{MAX_QUEUED_REQUESTS} requests wait; the plugin does not take them with get_pending_requests()"
            self.send(
                Frame(
                    Kind.ERROR,
                    frame.id,
                    "",
                    {"type": "QueueFull", "message": message, "code": "MOP5012", "detail": None},
                )
            )
            return
        self._queued_ids.add(frame.id)
        self._queue.append(Request(id=frame.id, method=frame.method, **_arguments(frame)))

    def mark_ready(self, methods: tuple[str, ...]) -> None:
        """Start the uptime clock and tell the manager which methods are served."""
        self._ready_at = time.monotonic()
        self.send(Frame(Kind.NOTE, 0, "state", {"state": "ready", "methods": list(methods)}))

    def send(self, frame: Frame) -> None:
        """Send one frame; any thread may."""
        self._exchange.send(frame)

    def ask(self, operation: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  msgpack values
        """Ask the plugin manager; see `Exchange.ask`."""
        return self._exchange.ask(operation, body)

    def next_request(self) -> Frame:
        """Wait for a request; see `Exchange.next_request`."""
        return self._exchange.next_request()

    def _answered(self, request_id: int) -> None:
        if request_id not in self._queued_ids:
            message = f"no queued request {request_id!r} waits for an answer"
            raise ValueError(message)
        self._queued_ids.discard(request_id)


def _arguments(frame: Frame) -> dict[str, Any]:
    body = frame.body if isinstance(frame.body, dict) else {}
    return {"args": tuple(body.get("args", ())), "kwargs": dict(body.get("kwargs", {}))}


class Server:
    """The serving thread's dispatcher."""

    def __init__(
        self, host: WorkerHost, plugin: Plugin, *, activity: Activity, app: Path, on_gone: Callable[[], object]
    ) -> None:
        """Serve one plugin.

        Args:
            host: the plugin's host.
            plugin: the instance.
            activity: what runs in the main thread.
            app: the plugin's folder, for hooks.
            on_gone: called when the plugin manager is gone.
        """
        self._host = host
        self._plugin = plugin
        self._activity = activity
        self._prepared = False
        self._app = app
        self._on_gone = on_gone
        self._methods = {name: getattr(plugin, name) for name in exported(type(plugin))}
        self._runner: Any = None
        self.stopped = threading.Event()

    def serve(self) -> None:
        """Answer frames until "stop", or until the manager is gone: without it a plugin has no reason to live."""
        try:
            while not self.stopped.is_set():
                self._dispatch(self._host.next_request())
        except MobileOpsError:  # PluginGone, or a ProtocolViolation: whoever is there is no manager
            self._on_gone()
        finally:
            self._activity.finish()
            if self._runner is not None:
                self._runner.close()

    def _dispatch(self, frame: Frame) -> None:
        if frame.kind is Kind.CALL:
            self._answer(frame, self._call)
        elif frame.kind is Kind.CONTROL:
            self._answer(frame, self._control)
        elif frame.kind is Kind.QUEUE:
            self._host.enqueue(frame)
        elif frame.kind is Kind.DELIVER:
            self._deliver(frame.method, frame.body)

    def _deliver(self, what: str, body: dict[str, Any]) -> None:
        """Hand over an event or a message; nobody waits for what comes of it."""
        try:
            if what == "event":
                self._plugin.deliver_event(body["topic"], body["event"])
            elif what == "message":
                self._plugin.handle_message(Sender(body["sender"], body["id"]), body["body"])
        except Exception as error:  # noqa: BLE001  a broken handler is the plugin's own matter
            self._host.log("ERROR", f"handling the {what} failed: {type(error).__name__}: {error}", {})

    def _answer(self, frame: Frame, act: Any) -> None:  # noqa: ANN401  one of this class's two handlers
        try:
            answer = Frame(Kind.RESULT, frame.id, "", act(frame))
            self._host.send(answer)
        except BaseException as error:  # noqa: BLE001  whatever a plugin raises is its caller's answer
            self._host.send(Frame(Kind.ERROR, frame.id, "", self._describe(error)))

    def _describe(self, error: BaseException) -> dict[str, Any]:
        detail = "".join(traceback.format_exception(error)) if self._host.debug else None
        code = error.code if isinstance(error, MobileOpsError) else "MOP5010"
        message = error.what if isinstance(error, MobileOpsError) else str(error)
        return {"type": type(error).__name__, "message": message, "code": code, "detail": detail}

    def _call(self, frame: Frame) -> Any:  # noqa: ANN401  whatever the method returns
        method = self._methods.get(frame.method)
        if method is None:
            raise _unknown(frame.method, tuple(self._methods))
        result = method(*frame.body.get("args", ()), **frame.body.get("kwargs", {}))
        return self._run_coroutine(result) if hasattr(result, "__await__") else result

    def _run_coroutine(self, awaitable: Any) -> Any:  # noqa: ANN401  an `async def` method's coroutine
        if self._runner is None:
            import asyncio  # noqa: PLC0415  70 ms that only plugins with async methods pay

            self._runner = asyncio.Runner()
        return self._runner.run(awaitable)

    def _control(self, frame: Frame) -> Any:  # noqa: ANN401  a health report is the author's
        if frame.method == "health":
            return self._plugin.health_check()
        acts: dict[str, Callable[[], None]] = {
            "prepare": self._prepare,
            "reload": lambda: self._activity.reload(self._plugin),
            "stop": lambda: self._stop(force=isinstance(frame.body, dict) and bool(frame.body.get("force"))),
            "upgraded": lambda: hooks.after(self._host, "post_upgrade", app=self._app),
        }
        if frame.method not in acts:
            raise _unknown(frame.method, ("health", *acts))
        acts[frame.method]()
        return None

    def _prepare(self) -> None:
        """Run the hook that may refuse the end, once."""
        if not self._prepared:
            hooks.before(self._host, "pre_stop", app=self._app)
            self._prepared = True

    def _stop(self, *, force: bool) -> None:
        try:
            self._prepare()
        except PluginError as error:
            if not force:
                raise
            self._host.log("WARNING", f"stopping nevertheless: {error.what}", {})
        self.stopped.set()
        self._plugin.end()


def _unknown(method: str, known: tuple[str, ...]) -> NotFoundError:
    return NotFoundError(f"no plugin method {method!r}; there is {', '.join(known) or 'none'}", code="MOP5013")


def main(connection: socket.socket, assignment: Mapping[str, Any]) -> NoReturn:
    """Run the plugin; the zygote calls this as the last thing it does in a child.

    Args:
        connection: to the plugin manager.
        assignment: as of `WorkerHost`; ``app`` is the plugin's folder where that is not mounted at /app.
    """
    app = Path(assignment.get("app", APP))
    host = WorkerHost(BlockingChannel(connection), assignment, app=app)
    hosts.attach(host)
    sys.path[:0] = search_path(app)
    install_logging(host)
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
        if plugin.initialize() is False:
            return _fail(host, "initialize() returned False")
    except BaseException as error:  # noqa: BLE001  any way out of an author's code is a failed start
        return _fail(host, f"{type(error).__name__}: {error}", error)
    activity = host.activity = Activity(plugin.begin, stop_timeout_s=host.stop_timeout_s)
    server = Server(host, plugin, activity=activity, app=app, on_gone=on_gone)
    host.mark_ready(exported(type(plugin)))
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
