"""The plugin manager's end of one plugin's channel, driven by the daemon's event loop.

Requests get ids of this connection's own making; an answer with an id that does not wait, a frame of a kind that
plugins may not send, more unsent bytes or
more waiting requests than allowed: each ends the connection through `on_violation`, because a peer that breaks the
protocol is hostile or broken.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, MobileOpsError, PluginGone, ProtocolViolation, RefusedError
from mobileops.runtime.rpc import NO_ANSWER, READ_BYTES, Decoder, Frame, Kind, encode

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

MAX_WAITING_REQUESTS: Final = 1024
MAX_OPEN_QUESTIONS: Final = 256
"""How many answers a plugin may wait for at the same time."""

MAX_UNSENT_BYTES: Final = 128 << 20


class Connection:
    """One plugin's channel."""

    def __init__(
        self,
        channel: socket.socket,
        *,
        on_note: Callable[[Frame], None],
        on_ask: Callable[[Frame], Awaitable[Any]],
        on_closed: Callable[[MobileOpsError | None], None],
    ) -> None:
        """Start to read.

        Args:
            channel: the manager's end of the socketpair.
            on_note: gets every NOTE frame.
            on_ask: answers an ASK frame; a `MobileOpsError` that it raises is the answer, too.
            on_closed: called once: None after an orderly end of file, else the violation.
        """
        self._socket = channel
        self._socket.setblocking(False)  # noqa: FBT003  the standard library's own signature
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next_id = 1
        self._unsent = bytearray()
        self._on_note = on_note
        self._on_ask = on_ask
        self._questions: set[asyncio.Task[None]] = set()
        self._on_closed = on_closed
        self._open = True
        self._loop.add_reader(self._socket.fileno(), self._readable)

    async def request(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float) -> Any:  # noqa: ANN401  msgpack values
        """Send one request and wait for its answer.

        Raises:
            CallError: the plugin answered with an error, or not before the deadline.
            PluginGone: the plugin ended first.
            RefusedError: too many requests wait already.
        """
        future = self._send(kind, method, body)
        deadline = self._loop.call_later(deadline_s, _expire, future, method, deadline_s)
        try:
            return await future
        finally:
            deadline.cancel()

    def deliver(self, wire: bytes) -> None:
        """Send what `delivery` made.

        Raises:
            PluginGone: the plugin is not connected.
        """
        if not self._open:
            raise _not_connected()
        self._write(bytearray(wire))

    @property
    def unsent_bytes(self) -> int:
        """How much the plugin has not taken yet, beyond what the kernel keeps for it."""
        return len(self._unsent)

    def close(self, cause: MobileOpsError | None = None) -> None:
        """Stop reading, fail what waits and close the socket."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(cause or PluginGone("the plugin ended before it answered", code="MOP5004"))
                future.exception()  # retrieved: nobody may be waiting any more
        self._waiting.clear()
        for question in self._questions:
            question.cancel()
        self._on_closed(cause)

    def _send(self, kind: Kind, method: str, body: Any) -> asyncio.Future[Any]:  # noqa: ANN401  msgpack values
        if not self._open:
            raise _not_connected()
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise RefusedError(
                f"{MAX_WAITING_REQUESTS} calls wait already",
                code="MOP5005",
                fix="wait for answers before calling again",
            )
        request_id, self._next_id = self._next_id, self._next_id + 1
        wire = encode(Frame(kind, request_id, method, body))
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting[request_id] = future
        self._write(wire)
        return future

    def _write(self, wire: bytearray) -> None:
        if not self._unsent:
            sent = self._send_now(wire)
            del wire[:sent]
        if wire and self._open:
            self._unsent += wire
            self._loop.add_writer(self._socket.fileno(), self._writable)
            if len(self._unsent) > MAX_UNSENT_BYTES:
                self.close(ProtocolViolation(f"the plugin left {len(self._unsent)} bytes unread", code="MOP5006"))

    def _send_now(self, wire: bytearray) -> int:
        try:
            return self._socket.send(wire)
        except BlockingIOError:
            return 0
        except OSError:
            self.close()
            return 0

    def _writable(self) -> None:
        del self._unsent[: self._send_now(self._unsent)]
        if self._open and not self._unsent:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        try:
            for frame in self._decoder.feed(data):
                self._received(frame)
        except ProtocolViolation as violation:
            self.close(violation)

    def _received(self, frame: Frame) -> None:
        if not self._open:
            return
        if frame.kind is Kind.NOTE:
            self._on_note(frame)
            return
        if frame.kind is Kind.ASK:
            self._asked(frame)
            return
        if frame.kind not in {Kind.RESULT, Kind.ERROR}:
            raise ProtocolViolation(f"a plugin may not send {frame.kind.name}", code="MOP5007")
        future = self._waiting.pop(frame.id, None)
        if future is None:
            raise ProtocolViolation(f"an answer to request {frame.id}, which does not wait", code="MOP5003")
        if future.done():
            return
        if frame.kind is Kind.RESULT:
            future.set_result(frame.body)
        else:
            future.set_exception(_remote_error(frame.body))

    def _asked(self, frame: Frame) -> None:
        if len(self._questions) >= MAX_OPEN_QUESTIONS:
            raise ProtocolViolation(f"more than {MAX_OPEN_QUESTIONS} questions at the same time", code="MOP5008")
        question = self._loop.create_task(self._answer(frame))
        self._questions.add(question)
        question.add_done_callback(self._questions.discard)

    async def _answer(self, frame: Frame) -> None:
        try:
            wire = encode(Frame(Kind.RESULT, frame.id, "", await self._on_ask(frame)))
        except MobileOpsError as error:
            wire = encode(Frame(Kind.ERROR, frame.id, "", error.to_dict()))
        if self._open:
            self._write(wire)


def delivery(method: str, body: Any) -> bytes:  # noqa: ANN401  msgpack values
    """Return the wire form of something that wants no answer; any number of connections can deliver it.

    Raises:
        ProtocolViolation: it is too long.
    """
    return bytes(encode(Frame(Kind.DELIVER, 0, method, body)))


def _not_connected() -> PluginGone:
    return PluginGone("the plugin is not connected", code="MOP5004")


def _expire(future: asyncio.Future[Any], method: str, deadline_s: float) -> None:
    """Give a request up; its id keeps waiting, so that a late answer is known, read and dropped."""
    if not future.done():
        error = CallError(
            f"no answer to {method!r} within {deadline_s:g} s",
            code=NO_ANSWER,
            remote_type="TimeoutError",
            fix="give the call more time with --timeout",
        )
        future.set_exception(error)


def _remote_error(body: object) -> CallError:
    """Turn an ERROR frame's body, which a plugin wrote, into an error; every field is only text."""
    form = body if isinstance(body, dict) else {}
    remote_type = str(form.get("type", "Exception"))[:200]
    message = str(form.get("message", ""))[:4000]
    error = CallError(f"{remote_type}: {message}", code=str(form.get("code", "MOP5010"))[:16], remote_type=remote_type)
    detail = form.get("detail")
    if detail:
        error.why = str(detail)[:20000]
    return error
