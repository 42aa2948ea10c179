"""The plugin manager's end of one plugin's channel, driven by the daemon's event loop.

Requests get ids of this connection's own making; an answer with an id that does not wait, a frame of a kind that
plugins may not send, more unsent bytes, more open questions or more values than allowed: each ends the connection
through `on_closed`, because a peer that breaks the protocol is hostile or broken.

The results of calls are handed on as they are (`msgspec.Raw`): whoever called decodes them, in its own process. What
the plugin manager itself has to read (notes, questions, lifecycle answers, errors) is counted before it is decoded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import MobileOpsError, PluginGone, ProtocolViolation, RefusedError
from mobileops.runtime.channel import counting
from mobileops.runtime.channel.answers import Stream, cancelled_late, remote_error
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import ANSWERS, Frame, Kind, encode, malformed

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Awaitable, Callable

MAX_WAITING_REQUESTS: Final = 1024
"""How many requests may wait for a plugin's answers; more are refused."""

MAX_BACKLOG_BYTES: Final = 64 << 20
"""How much a plugin may leave unread before further requests are refused."""

MAX_UNSENT_BYTES: Final = 128 << 20
"""How much a plugin may leave unread before it is killed."""

MAX_OPEN_QUESTIONS: Final = 256
"""How many answers a plugin may wait for at the same time."""

MAX_QUESTION_BYTES: Final = 64 << 20
"""All its open questions together."""

MAX_NOTE_BYTES: Final = 1 << 20
MAX_VALUES: Final = 1 << 17
"""How many values the plugin manager decodes at a time; less than 10 MiB, however small they are written."""


class RawFrame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Frame` whose body is still msgpack; it is valid only until more is read."""

    kind: Kind
    id: int
    method: str
    body: msgspec.Raw


_FRAMES: Final = msgspec.msgpack.Decoder(RawFrame)


def _as_text(code: int, _data: memoryview) -> str:
    return f"<msgpack extension {code}>"  # a value that nobody here can mean, for instance in a field of a log line


_VALUES: Final = msgspec.msgpack.Decoder(ext_hook=_as_text)


class Connection:
    """One plugin's channel."""

    def __init__(
        self,
        channel: socket.socket,
        *,
        on_note: Callable[[Frame], None],
        on_ask: Callable[[Frame], Awaitable[Any]],
        on_closed: Callable[[MobileOpsError | None], None],
        hide: Callable[[str], str] = str,
    ) -> None:
        """Start to read.

        Args:
            channel: the manager's end of the socketpair.
            on_note: gets every NOTE frame.
            on_ask: answers an ASK frame; a `MobileOpsError` that it raises is the answer, too.
            on_closed: called once: None after an orderly end of file, else the violation.
            hide: takes secrets out of what the plugin says in its errors.
        """
        self._socket = channel
        self._socket.setblocking(False)  # noqa: FBT003  the standard library's own signature
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(frames=_FRAMES)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw] | Stream] = {}
        self._next_id = 1
        self._unsent = bytearray()
        self._on_note = on_note
        self._on_ask = on_ask
        self._questions: set[asyncio.Task[None]] = set()
        self._question_bytes = 0
        self._on_closed = on_closed
        self._hide = hide
        self._open = True
        self._loop.add_reader(self._socket.fileno(), self._readable)

    async def request(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float) -> Any:  # noqa: ANN401  msgpack values
        """Send one request, wait for its answer and decode that.

        Raises:
            CallError: the plugin answered with an error, or not before the deadline.
            PluginGone: the plugin ended first.
            ProtocolViolation: the answer is too much to decode, or no msgpack.
            RefusedError: too many requests wait already.
        """
        return self._decoded(await self.call(kind, method, body, deadline_s=deadline_s), most_bytes=MAX_QUESTION_BYTES)

    async def call(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float) -> msgspec.Raw:  # noqa: ANN401  msgpack values
        """Send one request and wait for its answer; if the caller is cancelled, or the time is up, cancel it.

        Raises:
            CallError: the plugin answered with an error, or not before the deadline.
            PluginGone: the plugin ended first.
            RefusedError: too many requests wait already.
        """
        request_id = self._next_id
        future: asyncio.Future[msgspec.Raw] = self._loop.create_future()
        self._send(kind, method, body, future)
        deadline = self._loop.call_later(deadline_s, self._expire, request_id, future, method, deadline_s)
        try:
            return await future
        except asyncio.CancelledError:
            self._cancel(request_id)
            raise
        finally:
            deadline.cancel()

    async def stream(self, method: str, body: Any = None, *, deadline_s: float) -> AsyncGenerator[msgspec.Raw, None]:  # noqa: ANN401  msgpack values
        """Call a method that is a generator, and yield its values; ending early cancels it.

        Args:
            method: its name.
            body: its arguments.
            deadline_s: how long each value may take.

        Raises:
            CallError: the generator raised, or took longer than the deadline for a value.
            PluginGone: the plugin ended first.
            RefusedError: too many requests wait already.
        """
        request_id, stream = self._next_id, Stream(self._loop)
        self._send(Kind.CALL, method, body, stream)
        try:
            while True:
                try:
                    value = await asyncio.wait_for(stream.next(), deadline_s)
                except TimeoutError:
                    raise cancelled_late(method, deadline_s) from None
                if value is None:
                    return
                if more := stream.grant():
                    self._post(Frame(Kind.CREDIT, request_id, "", more))
                yield value
        finally:
            stream.abandoned = True
            self._cancel(request_id)

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
        self._unsent = bytearray()
        for waiting in self._waiting.values():
            error = cause or PluginGone("the plugin ended before it answered", code="MOP5004")
            if isinstance(waiting, Stream):
                waiting.end(error)
            elif not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # retrieved: nobody may be waiting any more
        self._waiting.clear()
        for question in self._questions:
            question.cancel()
        self._on_closed(cause)

    def _send(self, kind: Kind, method: str, body: Any, waiting: asyncio.Future[msgspec.Raw] | Stream) -> None:  # noqa: ANN401  msgpack values
        if not self._open:
            raise _not_connected()
        if len(self._waiting) >= MAX_WAITING_REQUESTS or len(self._unsent) > MAX_BACKLOG_BYTES:
            raise RefusedError(
                f"{len(self._waiting)} calls wait already, {len(self._unsent)} bytes of them unread",
                code="MOP5005",
                fix="wait for answers before calling again",
            )
        request_id = self._next_id
        wire = encode(Frame(kind, request_id, method, body))
        self._next_id += 1
        self._waiting[request_id] = waiting
        self._write(wire)

    def _post(self, frame: Frame) -> None:
        if self._open:
            self._write(encode(frame))

    def _cancel(self, request_id: int) -> None:
        """Tell the plugin that nobody waits; its answer is still known, read and dropped when it comes."""
        if request_id in self._waiting:
            self._post(Frame(Kind.CANCEL, request_id, "", None))

    def _expire(self, request_id: int, future: asyncio.Future[msgspec.Raw], method: str, deadline_s: float) -> None:
        if not future.done():
            future.set_exception(cancelled_late(method, deadline_s))
            self._cancel(request_id)

    def _write(self, wire: bytearray) -> None:
        if not self._unsent:
            sent = self._send_now(wire)
            if sent == len(wire):
                return
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
            frames = self._decoder.read(self._socket)
            if frames is None:
                self.close()
                return
            for frame in frames:
                if self._open:
                    self._received(frame)
        except BlockingIOError:
            return
        except ProtocolViolation as violation:
            self.close(violation)
        except OSError:
            self.close()

    def _received(self, frame: RawFrame) -> None:
        kind = frame.kind
        if kind in ANSWERS:
            self._answered(frame)
        elif kind is Kind.NOTE:
            body = self._decoded(frame.body, most_bytes=MAX_NOTE_BYTES)
            self._on_note(Frame(kind, frame.id, frame.method, body))
        elif kind is Kind.ASK:
            self._asked(frame)
        elif kind is Kind.ITEM:
            waiting = self._waiting.get(frame.id)
            if not isinstance(waiting, Stream):
                raise ProtocolViolation(f"a value for {frame.id}, which is no open stream", code="MOP5018")
            waiting.put(frame.body.copy())
        else:
            raise ProtocolViolation(f"a plugin may not send {kind.name}", code="MOP5007")

    def _answered(self, frame: RawFrame) -> None:
        """Take in the last frame of a request, which waits until that has proved right: a close fails what waits."""
        waiting = self._waiting.get(frame.id)
        if waiting is None or (isinstance(waiting, Stream) and frame.kind is Kind.RESULT):
            raise ProtocolViolation(f"an answer to request {frame.id}, which does not wait for it", code="MOP5003")
        if frame.kind is Kind.END and not isinstance(waiting, Stream):
            raise ProtocolViolation(f"the end of {frame.id}, which is no stream", code="MOP5018")
        error = None
        if frame.kind is Kind.ERROR:
            error = remote_error(self._decoded(frame.body, most_bytes=MAX_NOTE_BYTES), hide=self._hide)
        del self._waiting[frame.id]
        if isinstance(waiting, Stream):
            waiting.end(error)
        elif waiting.done():
            return
        elif error is not None:
            waiting.set_exception(error)
        else:
            waiting.set_result(frame.body.copy())

    def _decoded(self, body: msgspec.Raw, *, most_bytes: int) -> Any:  # noqa: ANN401  msgpack values
        """Decode what a plugin wrote, if that is little enough.

        Raises:
            ProtocolViolation: it is too much (MOP5020), or cannot be decoded (MOP5002).
        """
        payload = memoryview(body)
        if len(payload) > most_bytes or counting.exceeds(payload, MAX_VALUES):
            raise ProtocolViolation(
                f"{len(payload)} bytes are more than the plugin manager reads",
                code="MOP5020",
                why=f"at most {most_bytes} bytes and {MAX_VALUES} values",
            )
        try:
            return _VALUES.decode(payload)
        except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
            raise malformed(error) from error

    def _asked(self, frame: RawFrame) -> None:
        size = len(memoryview(frame.body))
        self._question_bytes += size
        if len(self._questions) >= MAX_OPEN_QUESTIONS or self._question_bytes > MAX_QUESTION_BYTES:
            raise ProtocolViolation(
                f"{len(self._questions) + 1} questions at the same time, of {self._question_bytes} bytes",
                code="MOP5008",
            )
        body = self._decoded(frame.body, most_bytes=MAX_QUESTION_BYTES)
        question = self._loop.create_task(self._answer(Frame(frame.kind, frame.id, frame.method, body), size))
        self._questions.add(question)
        question.add_done_callback(self._questions.discard)

    async def _answer(self, frame: Frame, size: int) -> None:
        try:
            answer = Frame(Kind.RESULT, frame.id, "", await self._on_ask(frame))
        except MobileOpsError as error:
            answer = Frame(Kind.ERROR, frame.id, "", error.to_dict())
        finally:
            self._question_bytes -= size
        self._post(answer)


def delivery(method: str, body: Any) -> bytes:  # noqa: ANN401  msgpack values
    """Return the wire form of something that wants no answer; any number of connections can deliver it.

    Raises:
        ProtocolViolation: it is too long.
    """
    return bytes(encode(Frame(Kind.DELIVER, 0, method, body)))


def _not_connected() -> PluginGone:
    return PluginGone("the plugin is not connected", code="MOP5004")
