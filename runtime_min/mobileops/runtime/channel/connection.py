"""The plugin manager's end of one plugin's channel, driven by the daemon's event loop.

Requests get ids of this connection's own making; an answer with an id that does not wait, a frame of a kind that
plugins may not send, more unsent bytes, more open questions or more values than allowed: each ends the connection
through `on_closed`, because a peer that breaks the protocol is hostile or broken.

The results of calls are handed on as they are (`msgspec.Raw`): whoever called decodes them, in its own process. What
the plugin manager itself has to read (notes, questions, lifecycle answers, errors) is counted before it is decoded.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import PluginGone, ProtocolViolation, RefusedError
from mobileops.runtime.channel.answers import Stream, cancelled_late
from mobileops.runtime.channel.arena import FROM_BYTES, Arena
from mobileops.runtime.channel.bounded import MAX_NOTE_BYTES, decoded
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.outgoing import Outgoing
from mobileops.runtime.channel.questions import MAX_QUESTION_BYTES, Questions
from mobileops.runtime.channel.rpc import RAW_FRAMES, RESULT, Frame, Kind, RawFrame, encode
from mobileops.runtime.channel.waiting import MAX_WAITING_REQUESTS, Waiting, WaitingRequests, settle

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from mobileops.errors import MobileOpsError
    from mobileops.runtime.channel.answers import Value
    from mobileops.runtime.channel.waiting import OnAnswer

MAX_BACKLOG_BYTES: Final = 64 << 20
"""How much a plugin may leave unread before further requests are refused."""

MAX_UNSENT_BYTES: Final = 128 << 20
"""How much a plugin may leave unread before it is killed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """Something that wants no answer; any number of connections can deliver it.

    Attributes:
        frame: what it is.
        wire: the same, encoded.
    """

    frame: Frame
    wire: bytes


class Connection:
    """One plugin's channel."""

    def __init__(
        self,
        channel: socket.socket,
        *,
        on_note: Callable[[Frame], None],
        on_ask: Callable[[Frame], Awaitable[Any]],
        on_closed: Callable[[MobileOpsError | None], None],
        arena: int | None = None,
        hide: Callable[[str], str] = str,
    ) -> None:
        """Start to read.

        Args:
            channel: the manager's end of the socketpair.
            on_note: gets every NOTE frame.
            on_ask: answers an ASK frame; a `MobileOpsError` that it raises is the answer, too.
            on_closed: called once: None after an orderly end of file, else the violation.
            arena: the plugin's shared memory, if it has any; closed with the channel.
            hide: takes secrets out of what the plugin says in its errors.
        """
        channel.setblocking(False)  # noqa: FBT003  the standard library's own signature
        self._socket = channel
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(frames=RAW_FRAMES)
        self._outgoing = Outgoing(channel, loop=self._loop, on_error=self.close)
        self._arena = None if arena is None else Arena(arena, is_manager=True)
        self._wire: Callable[[Frame], bytes] = encode if self._arena is None else self._arena.wire
        self._waiting = WaitingRequests(self._loop, post=self._post, hide=hide)
        self._on_note = on_note
        self._questions = Questions(on_ask, post=self._post)
        self._on_closed = on_closed
        self._open = True
        self._loop.add_reader(channel.fileno(), self._readable)

    def ask(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float, on_answer: OnAnswer) -> int:  # noqa: ANN401  msgpack values
        """Send one request, and return its number.

        Args:
            kind: of the request.
            method: its name.
            body: its arguments.
            deadline_s: how long the answer may take.
            on_answer: called once with what came of it: a value, which is valid only during the call, or an error.

        Raises:
            PluginGone: the plugin is not connected.
            RefusedError: too many requests wait already.
        """
        due_s = self._loop.time() + deadline_s
        return self._send(kind, method, body, Waiting(method, on_answer, deadline_s=deadline_s, due_s=due_s))

    def cancel(self, number: int) -> None:
        """Stop waiting for an answer, and tell the plugin."""
        self._waiting.cancel(number)

    async def request(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float) -> Any:  # noqa: ANN401  msgpack values
        """Send one request, wait for its answer and decode that.

        Raises:
            CallError: the plugin answered with an error, or not before the deadline.
            PluginGone: the plugin ended first.
            ProtocolViolation: the answer is too much to decode, or no msgpack.
            RefusedError: too many requests wait already.
        """
        return decoded(await self.call(kind, method, body, deadline_s=deadline_s), most_bytes=MAX_QUESTION_BYTES)

    async def call(self, kind: Kind, method: str, body: Any = None, *, deadline_s: float) -> Value:  # noqa: ANN401  msgpack values
        """Send one request and wait for its answer; if the caller is cancelled, or the time is up, cancel it.

        Raises:
            CallError: the plugin answered with an error, or not before the deadline.
            PluginGone: the plugin ended first.
            RefusedError: too many requests wait already.
        """
        future: asyncio.Future[Value] = self._loop.create_future()
        number = self.ask(kind, method, body, deadline_s=deadline_s, on_answer=partial(settle, future))
        try:
            return await future
        except asyncio.CancelledError:
            self.cancel(number)
            raise

    async def stream(self, method: str, body: Any = None, *, deadline_s: float) -> AsyncGenerator[Value, None]:  # noqa: ANN401  msgpack values
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
        stream = Stream(self._loop)
        waiting = Waiting(
            method, lambda _value, error: stream.end(error), deadline_s=deadline_s, due_s=math.inf, stream=stream
        )
        number = self._send(Kind.CALL, method, body, waiting)
        try:
            while True:
                try:
                    value = await asyncio.wait_for(stream.next(), deadline_s)
                except TimeoutError:
                    raise cancelled_late(method, deadline_s) from None
                if value is None:
                    return
                if more := stream.grant():
                    self._post(Frame(Kind.CREDIT, number, "", more))
                yield value
        finally:
            stream.abandoned = True
            self.cancel(number)

    def deliver(self, delivery: Delivery) -> None:
        """Send what `delivery` made.

        Raises:
            PluginGone: the plugin is not connected.
        """
        if not self._open:
            raise _not_connected()
        is_large = self._arena is not None and len(delivery.wire) >= FROM_BYTES
        self._write(self._wire(delivery.frame) if is_large else delivery.wire)

    @property
    def unsent_bytes(self) -> int:
        """How much the plugin has not taken yet, beyond what the kernel keeps for it."""
        return self._outgoing.unsent_bytes

    def close(self, cause: MobileOpsError | None = None) -> None:
        """Stop reading, fail what waits and close the socket."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket.fileno())
        self._outgoing.close()
        self._socket.close()
        if self._arena is not None:
            self._arena.close()
        self._waiting.fail(cause)
        self._questions.cancel()
        self._on_closed(cause)

    def _send(self, kind: Kind, method: str, body: Any, waiting: Waiting) -> int:  # noqa: ANN401  msgpack values
        if not self._open:
            raise _not_connected()
        if self._waiting.count >= MAX_WAITING_REQUESTS or self._outgoing.unsent_bytes > MAX_BACKLOG_BYTES:
            raise RefusedError(
                f"{self._waiting.count} calls wait already, {self.unsent_bytes} bytes of them unread",
                code="MOP5005",
                fix="wait for answers before calling again",
            )
        number = self._waiting.next
        wire = self._wire(Frame(kind, number, method, body))
        self._waiting.add(waiting)
        self._write(wire)
        return number

    def _post(self, frame: Frame) -> None:
        if self._open:
            self._write(self._wire(frame))

    def _write(self, wire: bytes) -> None:
        self._outgoing.write(wire)
        if self._outgoing.unsent_bytes > MAX_UNSENT_BYTES:
            self.close(ProtocolViolation(f"the plugin left {self.unsent_bytes} bytes unread", code="MOP5006"))

    def _readable(self) -> None:
        try:
            frames = self._decoder.read(self._socket)
            if frames is None:
                self.close()
                return
            for frame in frames:
                if self._open:
                    self._received(frame)
            if self._arena is not None and self._open:
                for offset in self._arena.taken():
                    self._post(Frame(Kind.TAKEN, offset, "", None))
        except BlockingIOError:
            return
        except ProtocolViolation as violation:
            self.close(violation)
        except OSError:
            self.close()

    def _received(self, frame: RawFrame) -> None:
        kind = frame.kind
        body = frame.body if frame.place is None else self._copied(frame)
        if kind is RESULT:
            self._waiting.result(frame.id, body)
        elif kind is Kind.ERROR or kind is Kind.END:
            self._waiting.ended(frame, body)
        elif kind is Kind.NOTE:
            self._on_note(Frame(kind, frame.id, frame.method, decoded(body, most_bytes=MAX_NOTE_BYTES)))
        elif kind is Kind.ASK:
            self._questions.take(frame.id, frame.method, body)
        elif kind is Kind.ITEM:
            self._waiting.item(frame.id, body)
        elif self._arena is not None and kind is Kind.TAKEN:
            self._arena.freed(frame.id)
        elif self._arena is not None and kind is Kind.ROOM:
            self._arena.roomier(frame.id)
        else:
            raise ProtocolViolation(f"a plugin may not send {kind.name}", code="MOP5007")

    def _copied(self, frame: RawFrame) -> Value:
        if self._arena is None or frame.place is None:
            raise ProtocolViolation("a body in an arena that was never there", code="MOP5022")
        return self._arena.copied(frame.place)


def delivery(method: str, body: Any) -> Delivery:  # noqa: ANN401  msgpack values
    """Return something that wants no answer.

    Raises:
        ProtocolViolation: it is too long.
    """
    frame = Frame(Kind.DELIVER, 0, method, body)
    return Delivery(frame, encode(frame))


def _not_connected() -> PluginGone:
    return PluginGone("the plugin is not connected", code="MOP5004")
