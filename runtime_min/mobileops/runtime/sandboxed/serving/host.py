"""The host of a sandboxed plugin: everything goes over the channel."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from mobileops.plugin.configuration import layered
from mobileops.plugin.finishing import finished
from mobileops.plugin.host import Request
from mobileops.runtime.channel.arena import Arena
from mobileops.runtime.channel.rpc import WRONG_ARGUMENT, Frame, Kind
from mobileops.runtime.sandboxed.exchange import Exchange
from mobileops.runtime.sandboxed.serving.method import Method

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from mobileops.runtime.channel.blocking import BlockingChannel
    from mobileops.runtime.sandboxed.activity import Activity

STOP_TIMEOUT_S: Final = 10.0
"""Where nobody says otherwise; the schema's default."""

MAX_QUEUED_REQUESTS: Final = 1024


class WorkerHost:
    """The `mobileops.plugin.host.Host` of a sandboxed plugin: everything goes over the channel.

    Attributes:
        document: the manifest.
        debug: whether errors carry tracebacks.
        is_upgrade: whether another version ran before.
        stop_timeout_s: how long the plugin may take to stop.
        activity: what runs in the main thread.
        exchange: sends and receives.
        serving_thread: which thread runs plain methods (`threading.get_ident`).
        running: the request whose method it runs; 0 for none.
        run_coroutine: runs one beside the plugin's other ``async def`` methods, and waits for it.
    """

    def __init__(self, channel: BlockingChannel, assignment: Mapping[str, Any], *, app: Path) -> None:
        """Bind a host to its channel.

        Args:
            channel: to the plugin manager.
            assignment: ``{"manifest": document, "settings": {...}, "debug": bool, "upgrade": bool,
                "stop_timeout_s": float, "arena": descriptor}``; only the first must be there.
            app: the plugin's folder.
        """
        self.document: Mapping[str, Any] = assignment["manifest"]
        self.debug = bool(assignment.get("debug"))
        self.is_upgrade = bool(assignment.get("upgrade"))
        self.stop_timeout_s = float(assignment.get("stop_timeout_s", STOP_TIMEOUT_S))
        self.activity: Activity | None = None
        self._settings: Mapping[str, Any] = assignment.get("settings", {})
        self._app = app
        arena = assignment.get("arena")
        self.exchange = Exchange(channel, arena=None if arena is None else Arena(arena, is_manager=False))
        self._queue: list[Request] = []
        self._queueing = threading.Lock()
        self._queued_ids: set[int] = set()
        self._methods: dict[str, Method] = {}
        self.run_coroutine: Callable[[Coroutine[Any, Any, Any]], Any] | None = None
        self.serving_thread = 0
        self.running = 0
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
        return layered(conf, self.document, self._settings)

    def take_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Use other operator settings from now on; return those before."""
        before, self._settings = self._settings, settings
        return before

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
        with self._queueing:
            taken, self._queue = self._queue, []
        return taken

    def cancelled(self) -> bool:
        """Whether nobody waits any more for the call that this thread runs; see `Plugin.cancelled`."""
        if self.serving_thread != threading.get_ident():
            return False
        self.exchange.poll()
        return self.running in self.exchange.cancelled

    def call(self, method: Callable[..., Any], request: Request) -> Any:  # noqa: ANN401  whatever the method returns
        """Run the method that a queued request is about, if the arguments are right.

        Raises:
            CallError: they are not.
        """
        if request.method not in self._methods:
            self._methods[request.method] = Method(request.method, method)
        return finished(self._methods[request.method].call(request.args, request.kwargs), run=self.run_coroutine)

    def settle(self, result: Any) -> Any:  # noqa: ANN401  whatever an author's method returned
        """Run a coroutine to its end, beside the plugin's other ``async def`` methods."""
        return finished(result, run=self.run_coroutine)

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
        self.refuse(request_id, "PluginError", message, code="MOP5011")

    def refuse(self, request_id: int, kind: str, message: str, *, code: str, detail: str | None = None) -> None:
        """Answer a request with an error.

        Args:
            request_id: of the request.
            kind: name of the exception's class.
            message: its text.
            code: stable identifier.
            detail: traceback, for debugging.
        """
        body = {"type": kind, "message": message, "code": code, "detail": detail}
        self.send(Frame(Kind.ERROR, request_id, "", body))

    def is_managed(self) -> bool:
        """The plugin manager drives the lifecycle."""
        return True

    def join_activity(self) -> None:
        """Wait until the main activity has returned; see `Activity.join`."""
        if self.activity is not None:
            self.activity.join()

    def enqueue(self, frame: Frame) -> None:
        """Queue a request, or answer at once that the queue is full or the arguments are unreadable."""
        if not isinstance(frame.body, dict):
            self.refuse(frame.id, "TypeError", "the arguments cannot be read", code=WRONG_ARGUMENT)
            return
        if len(self._queue) >= MAX_QUEUED_REQUESTS:
            message = f"{MAX_QUEUED_REQUESTS} requests wait; the plugin does not take them with get_pending_requests()"
            self.refuse(frame.id, "QueueFull", message, code="MOP5012")
            return
        with self._queueing:
            self._queued_ids.add(frame.id)
            self._queue.append(Request(id=frame.id, method=frame.method, **_arguments(frame)))

    def drop(self, request_id: int) -> bool:
        """Take a cancelled request off the queue; False when it is not there, or the plugin has taken it already."""
        with self._queueing:
            kept = [request for request in self._queue if request.id != request_id]
            dropped = len(kept) < len(self._queue)
            self._queue = kept
            if dropped:
                self._queued_ids.discard(request_id)
        return dropped

    def mark_ready(self, methods: Sequence[str], *, streams: Sequence[str] = ()) -> None:
        """Start the uptime clock and tell the manager which methods are served, and which of them stream."""
        self._ready_at = time.monotonic()
        body = {"state": "ready", "methods": list(methods), "streams": list(streams)}
        self.send(Frame(Kind.NOTE, 0, "state", body))

    def send(self, frame: Frame) -> None:
        """Send one frame; any thread may."""
        self.exchange.send(frame)

    def ask(self, operation: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  msgpack values
        """Ask the plugin manager; see `Exchange.ask`."""
        return self.exchange.ask(operation, body)

    def next_request(self) -> Frame:
        """Wait for a request; see `Exchange.next_request`."""
        return self.exchange.next_request()

    def _answered(self, request_id: int) -> None:
        if request_id not in self._queued_ids:
            message = f"no queued request {request_id!r} waits for an answer"
            raise ValueError(message)
        self._queued_ids.discard(request_id)


def _arguments(frame: Frame) -> dict[str, Any]:
    return {"args": tuple(frame.body.get("args", ())), "kwargs": dict(frame.body.get("kwargs", {}))}
