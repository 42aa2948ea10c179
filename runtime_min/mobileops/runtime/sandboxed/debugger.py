"""debugpy inside a plugin in debug mode, without a socket that it could be reached by.

pydevd, the half of debugpy that runs in the process it debugs, expects to listen on a TCP port for an editor or to
start an adapter that does. The sandbox allows neither, and stays as it is: the plugin manager hands over one end of a
connected pair for each editor, on a socket that this process has had since its start, and pydevd takes it for a
connection that it accepted. It speaks the Debug Adapter Protocol itself then.

Nothing of it is imported before the first editor comes. One that vanishes without a word leaves no breakpoint behind
and no thread that stands still.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.sandboxed.serving.host import WorkerHost

PACKAGE: Final = "debugpy"
_WORD_BYTES: Final = 16
_ANYWHERE: Final = ("127.0.0.1", 0)
"""Where pydevd is told to listen; it is never used."""


def await_editors(host: WorkerHost, debugger: Mapping[str, Any]) -> None:
    """Take in editors from now on, in a thread of its own.

    Args:
        host: the plugin's host.
        debugger: ``{"package": folder of debugpy, "socket": descriptor that editors come by}``.
    """
    entrance = Entrance(socket.socket(fileno=debugger["socket"]))
    waiting = threading.Thread(
        target=_serve, args=(host, Path(debugger["package"]), entrance), name="mobileops-debugger", daemon=True
    )
    waiting.start()


class Editor(socket.socket):
    """The connection to one editor.

    Attributes:
        over: set when it has hung up and the plugin goes on.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over a connected socket."""
        super().__init__(fileno=descriptor)
        self.over = threading.Event()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive; at the end of the connection let the plugin go on, as pydevd does when it is told of the end."""
        try:
            data = super().recv(size, flags)
        except OSError:
            data = b""
        if not data and not self.over.is_set():
            _let_go()
            self.over.set()
        return data


class Entrance:
    """Where editors come in; for pydevd, the socket that it listens on."""

    def __init__(self, control: socket.socket) -> None:
        """Wait for nobody yet.

        Args:
            control: from the plugin manager.
        """
        self._control = control
        self._first: Editor | None = None
        self._last: Editor | None = None

    def first(self) -> bool:
        """Wait for the first editor and keep it for `accept`; False when the plugin manager is gone."""
        self._first = self._next()
        return self._first is not None

    def turn_away(self) -> None:
        """Hang up on the first editor."""
        if self._first is not None:
            self._first.close()
            self._first = None

    def accept(self) -> tuple[Editor, str]:
        """Wait for an editor, after the one before has gone."""
        if self._last is not None:
            self._last.over.wait()
        editor, self._first = self._first or self._next(), None
        if editor is None:  # the plugin manager is gone, and this process in a moment
            threading.Event().wait()
            raise ConnectionAbortedError
        self._last = editor
        return editor, "an editor"

    def listen(self, _backlog: int) -> None:
        """Do what a socket does that listens already."""

    def getsockname(self) -> tuple[str, int]:
        """Return the address that nobody can connect to."""
        return _ANYWHERE

    def close(self) -> None:
        """Stay open: another run of pydevd in this process would need it."""

    def _next(self) -> Editor | None:
        word, descriptors, _flags, _address = socket.recv_fds(self._control, _WORD_BYTES, 1)
        return Editor(descriptors[0]) if word and descriptors else None


def _serve(host: WorkerHost, package: Path, entrance: Entrance) -> None:
    """Load the debugger when the first editor is there; turn it away if that cannot be done."""
    while entrance.first():
        try:
            _load(package, entrance)
        except BaseException as error:  # noqa: BLE001  whatever it is, the plugin goes on without a debugger
            host.log("ERROR", f"the debugger cannot be loaded: {type(error).__name__}: {error}", {"code": "MOP5608"})
            entrance.turn_away()
        else:
            return


def _load(package: Path, entrance: Entrance) -> None:
    """Import debugpy from its folder and have it wait at the entrance."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # it would complain that the standard library is frozen
    if PACKAGE not in sys.modules:
        origin = package / "__init__.py"
        spec = importlib.util.spec_from_file_location(PACKAGE, origin, submodule_search_locations=[str(package)])
        if spec is None or spec.loader is None:
            raise ImportError(str(origin))
        module = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[PACKAGE]
            raise
    import debugpy.server  # noqa: PLC0415  it makes its own copy of pydevd the one that is imported
    import pydevd  # noqa: PLC0415  likewise

    pydevd.create_server_socket = lambda host, port: entrance  # noqa: ARG005  its own signature
    debugpy.listen(_ANYWHERE, in_process_debug_adapter=True)  # noqa: T100  the purpose of this module


def _let_go() -> None:
    """Remove what an editor has set, and resume what stands still; nothing if it said goodbye."""
    from _pydevd_bundle.pydevd_api import PyDevdAPI  # noqa: PLC0415  an editor is there, so it is loaded
    from _pydevd_bundle.pydevd_constants import get_global_debugger  # noqa: PLC0415  likewise

    debugger = get_global_debugger()
    if debugger is not None:
        PyDevdAPI().request_disconnect(debugger, resume_threads=True)
