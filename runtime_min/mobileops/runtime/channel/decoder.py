"""Cut what arrives on a socket into frames; `mobileops.runtime.channel.rpc` says what a frame is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from mobileops.runtime.channel.rpc import LENGTH, MAX_FRAME_BYTES, READ_BYTES, Frame, malformed, too_long

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_DECODER: Final = msgspec.msgpack.Decoder(Frame)
_HEAD: Final = LENGTH.size
_length_at: Final = LENGTH.unpack_from


_BROKEN: Final = (msgspec.DecodeError, RecursionError, ValueError)


class FrameDecoder(Protocol):
    """Reads one payload; `msgspec.msgpack.Decoder` does."""

    def decode(self, _payload: memoryview, /) -> Any:  # noqa: ANN401  a Frame, or one with a raw body
        """Return the frame."""


def _refuse(_payload: memoryview, error: Exception) -> Any:  # noqa: ANN401  never a value
    raise malformed(error) from error


class Decoder:
    """Cut a byte stream into frames.

    Law: for any split of ``encode(f1) + encode(f2) + …`` into pieces, feeding the pieces returns f1, f2, … in order.

    The buffer is read into without a copy. It grows with the bytes that have arrived, never with a length that is
    only declared, and is given back when the long frame is complete.

    Attributes:
        longest: of the frames that did not fit into `READ_BYTES`; whoever looks at it may set it to 0 again.
    """

    def __init__(
        self,
        *,
        limit: int = MAX_FRAME_BYTES,
        frames: FrameDecoder = _DECODER,
        rescue: Callable[[memoryview, Exception], Any] = _refuse,
    ) -> None:
        """Start with an empty buffer.

        Args:
            limit: longest payload in bytes.
            frames: decodes one payload.
            rescue: returns a frame for a payload that cannot be decoded, or raises what that means.
        """
        self.longest = 0
        self._rescue = rescue
        self._limit = limit
        self._decode = frames.decode
        self._room = READ_BYTES
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._filled = 0

    def feed(self, data: bytes | bytearray) -> list[Any]:
        """Add bytes and return the frames that are complete now.

        Raises:
            ProtocolViolation: a length beyond the limit, or a payload that is no frame.
        """
        frames: list[Any] = []
        for at in range(0, len(data), READ_BYTES):
            piece = data[at : at + READ_BYTES]
            if self._filled + len(piece) > self._room:
                self._resize(max(self._room, READ_BYTES) * 2)
            self._buffer[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            frames += self._cut()
        return frames

    def read(self, connection: socket.socket, flags: int = 0) -> list[Any] | None:
        """Read once and return the frames that are complete now; None at the end of the stream.

        Raises:
            OSError: of ``recv``, BlockingIOError among them.
            ProtocolViolation: a length beyond the limit, or a payload that is no frame.
        """
        filled = self._filled
        got = connection.recv_into(self._buffer[filled:] if filled else self._buffer, 0, flags)
        if not got:
            return None
        self._filled = filled = filled + got
        if filled > _HEAD and _length_at(self._buffer)[0] + _HEAD == filled <= READ_BYTES:  # one frame, as most are
            self._filled, payload = 0, self._buffer[_HEAD:filled]
            try:
                return [self._decode(payload)]
            except _BROKEN as error:
                return [self._rescue(payload, error)]
        return self._cut()

    def _cut(self) -> list[Any]:
        """Take the complete frames off the buffer, and leave room to read the rest of the one under way."""
        frames: list[Any] = []
        buffer, filled, at = self._buffer, self._filled, 0
        decode, limit = self._decode, self._limit
        needed = 0
        while filled - at >= _HEAD:
            (size,) = _length_at(buffer, at)
            if size > limit:
                raise too_long(size, limit)
            end = at + _HEAD + size
            if end > filled:
                needed = end - at
                self.longest = max(self.longest, size if size >= READ_BYTES else 0)
                break
            payload = buffer[at + _HEAD : end]
            try:
                frames.append(decode(payload))
            except _BROKEN as error:
                frames.append(self._rescue(payload, error))
            at = end
        if at == filled and self._room == READ_BYTES:
            self._filled = 0
        else:
            self._keep(at, needed)
        return frames

    def _keep(self, at: int, needed: int) -> None:
        """Move what is left to the front.

        Args:
            at: where it begins.
            needed: length of the frame under way, 0 when it is not known.
        """
        left = self._filled - at
        if left == 0:
            self._filled = 0
            self._room, self._buffer = READ_BYTES, memoryview(bytearray(READ_BYTES))
            return
        if at:
            rest = bytes(self._buffer[at : self._filled])
            if self._room > READ_BYTES:
                self._room = max(READ_BYTES, left * 2)
                self._buffer = memoryview(bytearray(self._room))
            self._buffer[:left] = rest
            self._filled = left
        if self._filled == self._room:
            self._resize(min(self._room * 2, max(needed, READ_BYTES)))

    def _resize(self, room: int) -> None:
        larger = memoryview(bytearray(room))
        larger[: self._filled] = self._buffer[: self._filled]
        self._room, self._buffer = room, larger
