"""One client of the control socket: its requests, and the answers that it has not read yet.

The event loop calls this directly, without a task for each request: a call of a plugin's method is handed on with its
arguments as they came, and its result goes back as the plugin wrote it.

A client that does not read is not read from either, once `PAUSE_BYTES` wait for it. What it had asked for before that
is kept until `MAX_UNDELIVERED_BYTES`; a result beyond them is dropped, and an error says so in its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from functools import partial
from socket import SO_PEERCRED, SOL_SOCKET
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from mobileops.errors import HostFault, MobileOpsError, ProtocolViolation, RefusedError
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.outgoing import Outgoing
from mobileops.runtime.channel.rpc import (
    CALL,
    MAX_CONTROL_FRAME_BYTES,
    RAW_FRAMES,
    RESULT,
    Frame,
    Kind,
    RawFrame,
    encode,
    malformed,
)
from mobileops.runtime.manager.relay import relay
from mobileops.runtime.manager.verbs import CallRequest

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Callable

    from mobileops.runtime.channel.answers import Value
    from mobileops.runtime.manager.verbs import Verbs
    from mobileops.runtime.routing.debugging import Session

PAUSE_BYTES: Final = 256 << 10
MAX_UNDELIVERED_BYTES: Final = 128 << 20

CANCELLED_WITH_THEIR_CLIENT: Final = frozenset({"call", "shell", "shell-run", "watch"})
"""Requests that are about nobody but who asked; the others are carried out to their end."""

_UCRED: Final = struct.Struct("3i")

_CALLS: Final = msgspec.msgpack.Decoder(CallRequest)


class Cancellable(Protocol):
    """A task, or a call."""

    def cancel(self) -> object:
        """Let nobody wait for it any more."""


class ControlClient:
    """Serves one connection until the client hangs up, or the plugin manager does.

    What a client that went away has called is cancelled.
    """

    def __init__(
        self,
        connection: socket.socket,
        verbs: Verbs,
        *,
        tasks: set[asyncio.Task[None]],
        on_request: Callable[[], object],
        on_closed: Callable[[ControlClient], object],
    ) -> None:
        """Start to read.

        Args:
            connection: of an account that may ask.
            verbs: answers the requests.
            tasks: where requests are kept that may outlive their client.
            on_request: called for every request that is no call of a plugin.
            on_closed: called once, at the end.
        """
        connection.setblocking(False)  # noqa: FBT003  the standard library's own signature
        self._connection = connection
        self._verbs = verbs
        self._tasks = tasks
        self._on_request = on_request
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(limit=MAX_CONTROL_FRAME_BYTES, frames=RAW_FRAMES)
        self._outgoing = Outgoing(connection, loop=self._loop, on_error=self.close, on_drained=self._resume)
        self._running: dict[int, Cancellable] = {}
        self._is_open = True
        self._reads = asyncio.Event()
        self._reads.set()
        self._loop.add_reader(connection.fileno(), self._readable)

    def close(self) -> None:
        """Hang up, and cancel what only this client wanted."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._connection.fileno())
        self._outgoing.close()
        self._connection.close()
        self._reads.set()
        self._cancel_all()
        self._on_closed(self)

    def _cancel_all(self) -> None:
        running, self._running = self._running, {}
        for one in running.values():
            one.cancel()

    def _readable(self) -> None:
        try:
            frames = self._decoder.read(self._connection)
            if frames is None:
                self.close()
                return
            for frame in frames:
                self._take(frame)
        except BlockingIOError:
            return
        except (OSError, RefusedError):  # a client that vanishes or talks nonsense has only itself to inform
            self.close()

    def _take(self, frame: RawFrame) -> None:
        if not self._is_open:
            return
        if frame.kind is CALL and frame.method == "call" and self._called(frame):
            return
        if frame.kind is Kind.CANCEL:
            if (running := self._running.get(frame.id)) is not None:
                running.cancel()
            return
        try:
            body = msgspec.msgpack.decode(frame.body)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise malformed(error) from error
        if frame.kind is CALL and frame.method == "debug" and isinstance(body, dict):
            self._attach(frame.id, body)
        else:
            self._answer_later(Frame(frame.kind, frame.id, frame.method, body))

    def _attach(self, number: int, body: dict[str, Any]) -> None:
        """Make this connection an editor's: after the answer it has no frames, and is not this object's."""
        self._on_request()
        try:
            session = self._verbs.attach(body, who=_peer(self._connection))
        except MobileOpsError as error:
            self._send(Frame(Kind.ERROR, number, "", error.to_dict()))
            return
        self._send(Frame(RESULT, number, "", None))
        if not self._is_open or self._outgoing.unsent_bytes:  # it has gone, or reads nothing
            session.end()
            self.close()
            return
        self._is_open = False
        self._loop.remove_reader(self._connection.fileno())
        self._cancel_all()
        self._on_closed(self)
        carrying = self._loop.create_task(_carry(self._connection, session))
        self._tasks.add(carrying)
        carrying.add_done_callback(self._tasks.discard)

    def _called(self, frame: RawFrame) -> bool:
        """Hand a call on; False when it streams, or is none."""
        try:
            request = _CALLS.decode(frame.body)
        except (msgspec.DecodeError, RecursionError, ValueError):
            return False
        number = frame.id
        try:
            call = self._verbs.begin(request, on_answer=partial(self._answered, number))
        except MobileOpsError as error:
            self._send(Frame(Kind.ERROR, number, "", error.to_dict()))
            return True
        if call is None:
            return False
        if not call.is_over:
            self._running[number] = call
        return True

    def _answered(self, number: int, value: Value | None, error: MobileOpsError | None) -> None:
        self._running.pop(number, None)
        if error is None:
            self._send(Frame(RESULT, number, "", value))
        else:
            self._send(Frame(Kind.ERROR, number, "", error.to_dict()))

    def _answer_later(self, frame: Frame) -> None:
        self._on_request()
        answering = self._loop.create_task(self._answer(frame))
        self._tasks.add(answering)  # the loop itself keeps only weak references
        answering.add_done_callback(self._tasks.discard)
        if frame.method in CANCELLED_WITH_THEIR_CLIENT:
            self._running[frame.id] = answering
            answering.add_done_callback(lambda _task: self._running.pop(frame.id, None))

    async def _answer(self, frame: Frame) -> None:
        try:
            values = self._verbs.stream(frame)
            if values is None:
                self._send(Frame(RESULT, frame.id, "", await self._verbs.answer(frame)))
            else:
                await self._send_all(values, frame)
                self._send(Frame(Kind.END, frame.id, "", None))
        except MobileOpsError as error:
            self._send(Frame(Kind.ERROR, frame.id, "", error.to_dict()))
        except Exception as error:  # noqa: BLE001  one broken request must not end the plugin manager
            fault = HostFault(
                f"the plugin manager failed: {type(error).__name__}: {error}",
                code="MOP5200",
                fix="report this; 'mobileops logs --daemon' has more",
            )
            self._send(Frame(Kind.ERROR, frame.id, "", fault.to_dict()))

    async def _send_all(self, values: AsyncGenerator[Any, None], frame: Frame) -> None:
        """Send what a request streams, no faster than the client takes it."""
        async with contextlib.aclosing(values):
            async for value in values:
                self._send(Frame(Kind.ITEM, frame.id, "", value))
                await self._reads.wait()

    def _send(self, frame: Frame) -> None:
        if not self._is_open:
            return
        try:
            wire = encode(frame)
        except ProtocolViolation as error:  # a result of just the longest frame, and a longer id
            wire = encode(Frame(Kind.ERROR, frame.id, "", error.to_dict()))
        unread = self._outgoing.unsent_bytes
        if unread and unread + len(wire) > MAX_UNDELIVERED_BYTES:
            wire = encode(Frame(Kind.ERROR, frame.id, "", _dropped(len(wire), unread).to_dict()))
        self._outgoing.write(wire)
        if self._outgoing.unsent_bytes > PAUSE_BYTES and self._reads.is_set():
            self._reads.clear()
            self._loop.remove_reader(self._connection.fileno())

    def _resume(self) -> None:
        if not self._reads.is_set():
            self._reads.set()
            self._loop.add_reader(self._connection.fileno(), self._readable)


async def _carry(connection: socket.socket, session: Session) -> None:
    """Carry what an editor and a debugger say until one of them hangs up."""
    with connection:
        try:
            await relay(connection, session.connection)
        finally:
            session.end()


def _peer(connection: socket.socket) -> str:
    """Return who is at the other end, for the log (unix(7), SO_PEERCRED)."""
    pid, uid, _gid = _UCRED.unpack(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, _UCRED.size))
    return f"pid {pid} of uid {uid}"


def _dropped(size_bytes: int, unread_bytes: int) -> RefusedError:
    return RefusedError(
        f"a result of {size_bytes} bytes was dropped",
        code="MOP5206",
        why=f"{unread_bytes} bytes wait already for this client, which does not read",
        fix="read answers while others are under way, or ask for less at a time",
    )
