"""Statements that the operator types, run in the plugin's own process: the far end of ``mobileops shell``.

Each session has a namespace in which ``plugin`` is the instance, and a thread, so that the plugin's calls are answered
meanwhile and a statement can be interrupted; it runs beside the plugin's methods, as ``start()`` does. What other
threads print goes where it always goes. CONTROL "shell", with the number of a session in ``session``::

    {"source": text, "script": bool}   → {"output", "error", "dropped", "more", "failed", "exit"}
    {"interrupt": true}                → nil at once; KeyboardInterrupt in the statement that runs
    {"close": true}                    → nil; the session is forgotten when what runs in it has ended

``more`` means that the source is the beginning of a statement, and nothing was run. A script is run statement by
statement until one fails; the values of its expressions are shown as well.
"""

from __future__ import annotations

import ast
import code
import ctypes
import queue
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from mobileops.runtime.channel.rpc import RESULT, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType

    from mobileops.plugin.base import Plugin

MAX_OUTPUT: Final = 256 << 10
"""Characters of output that are kept of one run; what comes after them is counted."""

FILE: Final = "<shell>"


class Kept:
    """Keeps what is written to it, up to a length that several of them share."""

    def __init__(self, budget: list[int]) -> None:
        """Keep nothing yet.

        Args:
            budget: how many characters may still be kept, and how many were dropped.
        """
        self._parts: list[str] = []
        self._budget = budget

    def write(self, text: str) -> None:
        """Keep a text, or as much of it as may be."""
        kept = text[: self._budget[0]]
        self._budget[0] -= len(kept)
        self._budget[1] += len(text) - len(kept)
        if kept:
            self._parts.append(kept)

    def text(self) -> str:
        """Return what was kept, as text that can be sent: half of a surrogate pair shows as its escape."""
        return "".join(self._parts).encode("utf-8", "backslashreplace").decode()


class Divided:
    """A standard stream that keeps apart what the threads of shells write."""

    def __init__(self, stream: TextIO) -> None:
        """Stand in for a stream, which still gets everything that is nobody's here."""
        self.stream = stream
        self.kept: dict[int, Kept] = {}

    def write(self, text: str) -> int:
        """Write where this thread's output goes."""
        kept = self.kept.get(threading.get_ident())
        if kept is None:
            return self.stream.write(text)
        kept.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the stream has
        return getattr(self.stream, name)


class Session(code.InteractiveInterpreter):
    """One namespace, and the thread that runs its statements.

    Attributes:
        thread: that thread.
    """

    def __init__(self, plugin: Plugin, *, streams: tuple[Divided, Divided], reply: Callable[[Frame], object]) -> None:
        """Start the thread.

        Args:
            plugin: the instance.
            streams: standing in for standard output and standard error.
            reply: sends an answer.
        """
        super().__init__({"__name__": "__console__", "__doc__": None, "plugin": plugin, "exit": _leave, "quit": _leave})
        self._streams = streams
        self._reply = reply
        self._work: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._asked: set[int] = set()
        self._doomed: set[int] = set()
        self._running = 0
        self._failed = False
        self.thread = threading.Thread(target=self._serve, name="mobileops-shell", daemon=True)
        self.thread.start()

    def take(self, frame: Frame) -> None:
        """Run what a request asks for, after what was asked for before."""
        with self._lock:
            self._asked.add(frame.id)
        self._work.put(frame)

    def close(self) -> None:
        """End after what was asked for before; what runs is interrupted."""
        self._work.put(None)
        self.interrupt()

    def interrupt(self, request_id: int = 0) -> None:
        """Raise KeyboardInterrupt in what runs, at its next step in Python, and do not begin what waits.

        Args:
            request_id: of the only request that is meant; 0 for all.
        """
        with self._lock:
            meant = {one for one in self._asked if request_id in {0, one}}
            if self._running in meant:
                _raise_in(self.thread, KeyboardInterrupt)
            self._doomed |= meant - {self._running}

    def showtraceback(self) -> None:
        """Show the exception that is being handled, as a REPL does."""
        self._failed = True
        kind, error, trace = sys.exc_info()
        below = None if trace is None else trace.tb_next  # the frame of `runcode` is not the operator's
        sys.stderr.write("".join(traceback.format_exception(kind, error, below)))

    def showsyntaxerror(self, filename: str | None = None, **_more: Any) -> None:  # noqa: ANN401, ARG002  newer Pythons pass more
        """Show what cannot be compiled."""
        self._failed = True
        sys.stderr.write("".join(traceback.format_exception_only(*sys.exc_info()[:2])))

    def _serve(self) -> None:
        while (frame := self._work.get()) is not None:
            self._reply(Frame(RESULT, frame.id, "", self._run(frame)))

    def _run(self, frame: Frame) -> dict[str, Any]:
        """Run one request, with its output kept."""
        budget = [MAX_OUTPUT, 0]
        output, error = (Kept(budget) for _stream in self._streams)
        own = threading.get_ident()
        answer = {"more": False, "exit": False}
        self._failed = False
        for stream, kept in zip(self._streams, (output, error), strict=True):
            stream.kept[own] = kept
        try:
            try:
                self._begin(frame.id)
                answer["more"] = self._interpret(frame.body["source"], script=bool(frame.body.get("script")))
            except SystemExit:
                answer["exit"] = True
            finally:
                self._settle(frame.id)
        except KeyboardInterrupt:  # it came before the first statement, between two, or after the last
            self._settle(frame.id)
            self._failed = True
            error.write("KeyboardInterrupt\n")
        for stream in self._streams:
            del stream.kept[own]
        return {**answer, "output": output.text(), "error": error.text(), "dropped": budget[1], "failed": self._failed}

    def _settle(self, request_id: int) -> None:
        """Let no interrupt come any more; one that is still under way arrives in here.

        It is not taken back (PyThreadState_SetAsyncExc with NULL): CPython 3.11 would go on looking for it, and with a
        debugger attached do nothing else.
        """
        self._running = 0
        with self._lock:
            self._asked.discard(request_id)
            self._doomed.discard(request_id)
        _arrive()

    def _begin(self, request_id: int) -> None:
        with self._lock:
            if request_id in self._doomed:
                raise KeyboardInterrupt
            self._running = request_id

    def _interpret(self, source: str, *, script: bool) -> bool:
        """Run source; return whether it is only the beginning of a statement."""
        try:
            if script:
                for statement in self._statements(source):
                    self.runcode(statement)
                    if self._failed:
                        break
                return False
            compiled = self.compile(source, FILE, "single")
        except (OverflowError, SyntaxError, ValueError):
            self.showsyntaxerror(FILE)
            return False
        if compiled is None:
            return True
        self.runcode(compiled)
        return False

    def _statements(self, source: str) -> Iterable[CodeType]:
        """Yield the statements of a script; none of one that cannot be parsed."""
        for node in ast.parse(source, FILE).body:
            yield self.compile.compiler(ast.Interactive([node]), FILE, "single")  # type: ignore[arg-type]  # it passes it on

    def show(self, value: object) -> None:
        """Show the value of an expression, which ``_`` is from then on: here, and not in the plugin's own modules."""
        if value is not None:
            sys.stdout.write(f"{value!r}\n")
            self.locals["_"] = value


class Shells:
    """The sessions of one plugin; its methods are for the thread that reads the channel."""

    def __init__(self, plugin: Plugin, *, reply: Callable[[Frame], object]) -> None:
        """Have no session yet.

        Args:
            plugin: the instance.
            reply: sends an answer; any thread may.
        """
        self._plugin = plugin
        self._reply = reply
        self._sessions: dict[int, Session] = {}
        self._streams: tuple[Divided, Divided] | None = None
        self._shown_elsewhere = sys.displayhook

    def take(self, frame: Frame) -> None:
        """Carry out a request; one for a session that is not there yet opens it."""
        body = frame.body
        number = int(body["session"])
        if "source" in body:
            if number not in self._sessions:
                self._sessions[number] = Session(self._plugin, streams=self._divided(), reply=self._reply)
            self._sessions[number].take(frame)
            return
        if number in self._sessions:
            if body.get("close"):
                self._sessions.pop(number).close()
            else:
                self._sessions[number].interrupt()
        self._reply(Frame(RESULT, frame.id, "", None))

    def cancel(self, request_id: int) -> None:
        """Interrupt the statement of a request that nobody waits for any more."""
        for session in self._sessions.values():
            session.interrupt(request_id)

    def _divided(self) -> tuple[Divided, Divided]:
        """Return what stands in for the standard streams from the first session on."""
        if self._streams is None:
            self._streams = Divided(sys.stdout), Divided(sys.stderr)
            sys.stdout, sys.stderr = self._streams
            sys.displayhook = self._show
        return self._streams

    def _show(self, value: object) -> None:
        """Be ``sys.displayhook``: statements of a shell call it, each in its session's thread."""
        for session in tuple(self._sessions.values()):
            if session.thread is threading.current_thread():
                session.show(value)
                return
        self._shown_elsewhere(value)


def _leave(*_arguments: object) -> NoReturn:
    """End the session, and not the plugin."""
    raise SystemExit


def _arrive() -> None:
    """Be called: an exception that another thread has raised in this one arrives at a call at the latest."""


def _raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """Have an exception raised in a thread."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error))
