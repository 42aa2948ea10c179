"""Framing of every socket: plugin manager ⇄ plugin, command line ⇄ plugin manager. The same file on both sides.

A frame is a little-endian u32 length and that many bytes of msgpack: the array ``[kind, id, method, body]``.

========= === ================= ==============================================================
kind      no. direction         meaning
========= === ================= ==============================================================
CALL      0   asker → server    run ``method`` with ``body = {"args": [...], "kwargs": {...}}``
QUEUE     1   asker → server    the same, but the plugin takes it with get_pending_requests()
CONTROL   2   asker → server    lifecycle: "initialize", "health", "stop"
RESULT    3   server → asker    the value of the request with this id
ERROR     4   server → asker    ``body = {"type", "message", "code", "detail"}``
NOTE      5   server → asker    no answer expected, id 0: "log", "state"
ASK       6   plugin → manager  use the platform: "message.send", "event.publish", …; the id is the plugin's own
DELIVER   7   manager → plugin  no answer expected, id 0: "event", "message"
========= === ================= ==============================================================

Rules, each enforced by `Decoder` or the peer's dispatcher; breaking one ends the connection with a `ProtocolViolation`:

- the length is checked against the limit before anything is allocated (a peer may be hostile);
- a frame is exactly one array of those four types, nothing after it;
- an answer must carry the id of a request that waits, once.

Never pickle.
"""

from __future__ import annotations

import enum
import socket
import struct
from contextlib import suppress
from typing import Any, Final

import msgspec

from mobileops.errors import PluginGone, ProtocolViolation

MAX_FRAME_BYTES: Final = 64 << 20
"""Longest frame a plugin may send or get; the size of the largest argument or result."""

MAX_CONTROL_FRAME_BYTES: Final = MAX_FRAME_BYTES
"""Longest frame on the plugin manager's own socket: it carries the same arguments and results."""

READ_BYTES: Final = 1 << 16
"""Below malloc's mmap threshold: a larger buffer would be mapped and unmapped for every read."""

NO_ANSWER: Final = "MOP5014"
"""The code of a call that was not answered before its deadline."""

HOOK_REFUSED: Final = "MOP5107"
"""The code of a ``pre_`` hook that failed."""

LENGTH: Final = struct.Struct("<I")


class Kind(enum.IntEnum):
    """What a frame is; see the module's table."""

    CALL = 0
    QUEUE = 1
    CONTROL = 2
    RESULT = 3
    ERROR = 4
    NOTE = 5
    ASK = 6
    DELIVER = 7


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message: ``[kind, id, method, body]``."""

    kind: Kind
    id: int
    method: str
    body: Any


def _plain(value: object) -> object:
    """Turn what msgpack does not know, but numeric libraries return, into plain values.

    Raises:
        NotImplementedError: msgspec turns it into a TypeError that names the type.
    """
    for name in ("tolist", "item"):
        convert = getattr(value, name, None)
        if callable(convert):
            return convert()
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    message = f"a value of type {kind} cannot be sent; return plain values, lists and dicts"
    raise NotImplementedError(message)


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
_DECODER: Final = msgspec.msgpack.Decoder(Frame)


def encode(frame: Frame) -> bytearray:
    """Return the wire form of a frame.

    Raises:
        TypeError: the body has a value that msgpack cannot carry.
        ProtocolViolation: the frame is longer than `MAX_FRAME_BYTES`.
    """
    wire = bytearray(LENGTH.size)
    try:
        _ENCODER.encode_into(frame, wire, LENGTH.size)
    except NotImplementedError as error:
        raise TypeError(str(error)) from error
    size = len(wire) - LENGTH.size
    if size > MAX_FRAME_BYTES:
        raise _too_long(size, MAX_FRAME_BYTES)
    LENGTH.pack_into(wire, 0, size)
    return wire


def _too_long(size: int, limit: int) -> ProtocolViolation:
    return ProtocolViolation(
        f"a frame of {size} bytes is longer than the limit of {limit}",
        code="MOP5001",
        why="the length of a frame is bounded before it is read",
        fix="send large data in pieces, or write it to a file under /data",
    )


def _parse(payload: bytes | memoryview) -> Frame:
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolViolation(
            f"a frame cannot be read: {error}",
            code="MOP5002",
            why="a frame is the msgpack array [kind, id, method, body]",
        ) from error


class Decoder:
    """Cut a byte stream into frames.

    Law: for any split of ``encode(f1) + encode(f2) + …`` into pieces, feeding the pieces returns f1, f2, … in order.
    """

    def __init__(self, *, limit: int = MAX_FRAME_BYTES) -> None:
        """Start with an empty buffer.

        Args:
            limit: longest payload in bytes.
        """
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes | bytearray) -> list[Frame]:
        """Add bytes and return the frames that are complete now.

        Raises:
            ProtocolViolation: a length beyond the limit, or a payload that is no frame.
        """
        if self._buffer:
            self._buffer += data
            data, self._buffer = self._buffer, bytearray()
        frames: list[Frame] = []
        at, total = 0, len(data)
        while total - at >= LENGTH.size:
            (size,) = LENGTH.unpack_from(data, at)
            if size > self._limit:
                raise _too_long(size, self._limit)
            end = at + LENGTH.size + size
            if total < end:
                break
            frames.append(_parse(memoryview(data)[at + LENGTH.size : end]))
            at = end
        if at < total:
            self._buffer = bytearray(memoryview(data)[at:])
        return frames


class BlockingChannel:
    """A frame socket for a thread that has nothing else to do: the plugin's serving loop, the command line.

    Sending is not locked; callers with several threads hold a lock of their own.
    """

    def __init__(self, connection: socket.socket, *, limit: int = MAX_FRAME_BYTES) -> None:
        """Take over a connected stream socket in blocking mode."""
        self._socket = connection
        self._decoder = Decoder(limit=limit)
        self._ready: list[Frame] = []

    def send(self, frame: Frame) -> None:
        """Write one frame completely.

        Raises:
            PluginGone: the other side is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        wire = encode(frame)
        try:
            self._socket.sendall(wire)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _gone() from error

    def receive(self) -> Frame:
        """Wait for the next frame.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        if not self._ready:
            self._ready = self.receive_all()
        return self._ready.pop(0)

    def receive_all(self) -> list[Frame]:
        """Wait for frames and return those that arrived together, at least one.

        Raises:
            PluginGone: the other side closed the connection.
            ProtocolViolation: it sent something that is no frame.
        """
        frames, self._ready = self._ready, []
        while not frames:
            try:
                data = self._socket.recv(READ_BYTES)
            except ConnectionResetError as error:
                raise _gone() from error
            if not data:
                raise _gone()
            frames = self._decoder.feed(data)
        return frames

    def request(self, kind: Kind, method: str, body: Any, *, request_id: int = 1) -> Frame:  # noqa: ANN401  msgpack values
        """Send one request and wait for its answer.

        Raises:
            ProtocolViolation: the answer belongs to another request.
        """
        self.send(Frame(kind, request_id, method, body))
        answer = self.receive()
        if answer.id != request_id or answer.kind not in {Kind.RESULT, Kind.ERROR}:
            raise ProtocolViolation(
                f"expected the answer to request {request_id}, got {answer.kind.name} {answer.id}", code="MOP5003"
            )
        return answer

    def hang_up(self) -> None:
        """End the connection for both sides, also while another thread waits in `receive`."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up and close the socket."""
        self.hang_up()
        self._socket.close()


def _gone() -> PluginGone:
    return PluginGone("the other side closed the connection", code="MOP5004")
