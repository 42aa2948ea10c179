"""Editors that debug running plugins: who may, one at a time, and what is written down about it.

Only a run that was started in debug mode can be debugged; that is the operator's explicit act, ends with the run and is
passed on by nothing: no manifest, setting, restart or start with the plugin manager asks for it. debugpy has no
authentication of its own, so an editor comes by the plugin manager's control socket, which is this account's and
root's, and the plugin gets one end of a connected pair, never a socket that others could find.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import PluginError, PluginGone, RefusedError
from mobileops.runtime.instances.decisions import DEBUG
from mobileops.runtime.launching.debugger import no_debugger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.runtime.instances.instance import Instance

APP: Final = "/app"
FULL: Final = "FULL"
_EDITOR: Final = b"editor"


class Session:
    """One editor that is attached.

    Attributes:
        connection: non-blocking; what the debugger in the plugin says and is told.
    """

    def __init__(self, instance: Instance, connection: socket.socket, *, who: str) -> None:
        """Write down the beginning; the plugin has the other end already."""
        self.connection = connection
        self._instance = instance
        instance.attached = True
        instance.write("WARNING", "the operator attached a debugger", fields={"by": who})

    def end(self) -> None:
        """Let go of the plugin, and write that down."""
        self.connection.close()
        self._instance.attached = False
        self._instance.write("INFO", "the debugger was detached")


class Debugging:
    """Attaches editors.

    Args:
        running: returns a running plugin by its name; raises NotFoundError or PluginError.
        folder: returns where the files of a run are on this host.
    """

    def __init__(self, running: Callable[[str], Instance], *, folder: Callable[[Instance], Path]) -> None:
        self._running = running
        self._folder = folder

    def facts(self, name: str) -> dict[str, Any]:
        """Return ``{"version", "pid", "app": path of its code as the debugger sees it}`` of what can be debugged.

        Raises:
            MobileOpsError: as `attach`; nothing is attached.
        """
        instance, _entrance = self._open(name)
        assert instance.launched is not None  # noqa: S101  else it is not open
        app = APP if instance.launched.level == FULL else str(self._folder(instance))
        return {"version": instance.receipt.version, "pid": instance.launched.pid, "app": app}

    def attach(self, name: str, *, who: str) -> Session:
        """Attach an editor.

        Args:
            name: of the plugin.
            who: asks for it, for the log.

        Raises:
            NotFoundError: the plugin is not installed.
            PluginError: it does not run, or another editor is attached (MOP5603).
            RefusedError: it is not in debug mode (MOP5602).
            HostFault: this host has no debugger (MOP5601), or it cannot be written down (MOP4310).
        """
        instance, entrance = self._open(name)
        instance.decisions.operated(DEBUG, instance.receipt.version, reason=f"a debugger was attached by {who}")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  the standard library's own signature
        with theirs:
            try:
                socket.send_fds(entrance, [_EDITOR], [theirs.fileno()], socket.MSG_DONTWAIT)
            except OSError as error:
                ours.close()
                raise PluginGone(f"{name!r} takes no debugger: {error.strerror}", code="MOP5004") from error
        return Session(instance, ours, who=who)

    def _open(self, name: str) -> tuple[Instance, socket.socket]:
        """Return a run that an editor can be attached to, and the socket that it is handed in by."""
        instance = self._running(name)
        if not instance.debug or instance.launched is None:
            raise not_in_debug_mode(name)
        if instance.launched.debugger is None:
            raise no_debugger(name)
        if instance.attached:
            raise PluginError(
                f"an editor is attached to {name!r} already",
                code="MOP5603",
                why="a plugin has one debugger, which serves one editor",
                fix="detach it: end its session in the editor, or the other 'mobileops debug' with Ctrl-C",
            )
        return instance, instance.launched.debugger


def not_in_debug_mode(name: str) -> RefusedError:
    """Return what it is to debug a plugin that was not started for that."""
    return RefusedError(
        f"{name!r} is not in debug mode",
        code="MOP5602",
        why="a debugger can only be attached to a run that the operator started for it",
        fix=f"mobileops debug {name} --yes restarts it in debug mode",
    )
