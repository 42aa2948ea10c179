"""Shared memory for large bodies: one memory file per plugin, one half for each direction.

The plugin manager makes it, seals its size (F_SEAL_SHRINK, F_SEAL_GROW, fcntl(2): nobody can make the other side's
mapping end early), and the plugin inherits it. A body of `FROM_BYTES` or more is written to the sender's half, and its
frame says only where it lies; the receiver copies it out, or decodes it, at once and says TAKEN; only then does the
sender use that place again. What does not fit goes in the frame, as small bodies do.

The plugin manager trusts nothing in it:

- a place is checked against the half's bounds, and against the other places of the same batch of frames, so that
  frames of a few bytes cannot have it copy more than one half;
- the body is copied out first and looked at afterwards, so that a plugin that goes on writing changes nothing;
- it never reads its own half, and keeps its own list of what is in use there.

The pages are paid for by who touches them first. The plugin writes its own half itself; of the manager's half it first
touches as much as it wants to be used, and says so (ROOM). Until then the manager's bodies go in their frames.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import ProtocolViolation
from mobileops.runtime.channel.rpc import Call, Frame, Place, encode, encode_body, malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

FROM_BYTES: Final = 64 << 10
"""Smaller bodies are faster in their frames."""

HALF_BYTES: Final = 8 << 20
SMALLEST_ROOM_BYTES: Final = 1 << 20
PAGE_BYTES: Final = 4096

_NOEXEC_SEAL: Final = 0x0008  # MFD_NOEXEC_SEAL, since Linux 6.3 (memfd_create(2))
_BLOB: Final = struct.Struct(">BI")
_BLOB_MARK: Final = 0xC6  # msgpack, "bin 32"
_BULK: Final = (bytes, Call)
_MANY: Final = 1 << 16
_RAW: Final = msgspec.msgpack.Decoder(msgspec.Raw)


def create() -> int:
    """Return the descriptor of a new arena, of fixed size, which nobody can execute."""
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        descriptor = os.memfd_create("arena", flags | _NOEXEC_SEAL)
    except OSError:
        descriptor = os.memfd_create("arena", flags)
    os.ftruncate(descriptor, 2 * HALF_BYTES)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


class Space:
    """Which parts of a half are in use: first fit, whole pages."""

    def __init__(self, room: int) -> None:
        """Use nothing of the first `room` bytes yet."""
        self.room = room
        self._used: dict[int, int] = {}

    def reserve(self, length: int) -> int | None:
        """Return the offset of a free part, which is in use now; None when there is none."""
        needed = -(-length // PAGE_BYTES) * PAGE_BYTES
        at = 0
        for offset in sorted(self._used):
            if offset - at >= needed:
                break
            at = self._used[offset]
        if at + needed > self.room:
            return None
        self._used[at] = at + needed
        return at

    def free(self, offset: int) -> None:
        """Take a part back.

        Raises:
            KeyError: it is not in use.
        """
        del self._used[offset]


class Arena:
    """One end's view of an arena; mapped when it is first needed."""

    def __init__(self, descriptor: int, *, is_manager: bool) -> None:
        """Take over a descriptor that `create` returned, or one that was inherited.

        Args:
            descriptor: closed by `close`.
            is_manager: whose end this is.
        """
        self._descriptor = descriptor
        self._mapped: mmap.mmap | None = None
        self._own = 0 if is_manager else HALF_BYTES
        self._others = HALF_BYTES - self._own
        self._space = Space(0 if is_manager else HALF_BYTES)
        self._changing = threading.Lock()
        self._claims: list[tuple[int, int]] = []
        self._opened = 0

    def close(self) -> None:
        """Unmap and close it; safe to call twice."""
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def wire(self, frame: Frame) -> bytes:
        """Return the wire form of a frame; a large body is put into the arena if there is room.

        Raises:
            TypeError: the body has a value that msgpack cannot carry.
            ProtocolViolation: the frame is too long.
        """
        pieces = _pieces(frame.body) if type(frame.body) in _BULK else None
        if pieces is not None and (place := self._put(pieces)) is not None:
            return encode(Frame(frame.kind, frame.id, frame.method, None, place))
        wire = encode(frame)
        if len(wire) < FROM_BYTES or pieces is not None:
            return wire
        short = encode(Frame(frame.kind, frame.id, frame.method, None))  # ends with nil for the body, and for the place
        with memoryview(wire) as whole:
            place = self._put([whole[len(short) - 2 : -1]])
        return wire if place is None else encode(Frame(frame.kind, frame.id, frame.method, None, place))

    def freed(self, offset: int) -> None:
        """Take in TAKEN.

        Raises:
            ProtocolViolation: nothing lies there (MOP5023).
        """
        try:
            with self._changing:
                self._space.free(offset)
        except KeyError:
            raise ProtocolViolation(f"nothing lies at {offset} in the arena", code="MOP5023") from None

    def roomier(self, room: int) -> None:
        """Take in ROOM.

        Raises:
            ProtocolViolation: that is less than before, or more than there is (MOP5023).
        """
        if not self._space.room < room <= HALF_BYTES:
            raise ProtocolViolation(f"{room} bytes of the arena cannot be used", code="MOP5023")
        self._space.room = room

    def copied(self, place: Place) -> msgspec.Raw | bytes:
        """Copy out what a plugin says lies there: a blob as `bytes`, anything else as one well-formed value.

        Raises:
            ProtocolViolation: there can be no body (MOP5022), or it is none (MOP5002).
        """
        begin, end = place.offset, place.offset + place.length
        if begin < 0 or place.length < FROM_BYTES or end > HALF_BYTES:
            raise ProtocolViolation(f"{place.length} bytes at {begin} are not in the arena", code="MOP5022")
        if any(begin < other_end and other_begin < end for other_begin, other_end in self._claims):
            raise ProtocolViolation(f"what lies at {begin} in the arena was not taken yet", code="MOP5022")
        self._claims.append((begin, end))
        memory, at = self._memory(), self._others + begin
        mark, size = _BLOB.unpack_from(memory, at)
        if mark == _BLOB_MARK and size == place.length - _BLOB.size:
            return memory[at + _BLOB.size : at + place.length]
        body = memory[at : at + place.length]
        try:
            return _RAW.decode(body)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise malformed(error) from error

    def taken(self) -> list[int]:
        """Return the offsets of what was copied out since the last time, for TAKEN."""
        offsets = [begin for begin, _end in self._claims]
        self._claims = []
        return offsets

    def seen(self, place: Place) -> memoryview:
        """Return what the plugin manager has put there; for the plugin, which trusts it."""
        at = self._others + place.offset
        return memoryview(self._memory())[at : at + place.length]

    def open(self, length: int) -> int:
        """Touch as much of the manager's half as twice a body of this length needs; return how much that is, or 0.

        It is paid for by the plugin that way.
        """
        room = SMALLEST_ROOM_BYTES
        while room < min(2 * length, HALF_BYTES):
            room *= 2
        if room <= self._opened:
            return 0
        _touched = self._memory()[self._others + self._opened : self._others + room : PAGE_BYTES]
        self._opened = room
        return room

    def _put(self, pieces: Sequence[bytes | bytearray | memoryview]) -> Place | None:
        length = sum(map(len, pieces))
        with self._changing:
            offset = self._space.reserve(length)
        if offset is None:
            return None
        memory, at = self._memory(), self._own + offset
        for piece in pieces:
            memory[at : at + len(piece)] = piece
            at += len(piece)
        return Place(offset, length)

    def _memory(self) -> mmap.mmap:
        if self._mapped is None:
            self._mapped = mmap.mmap(self._descriptor, 2 * HALF_BYTES)
        return self._mapped


def _pieces(body: Any) -> list[Any] | None:  # noqa: ANN401  a body of `_BULK`
    """Return the msgpack of a body that is evidently large, without copying what is large in it; None if it is not."""
    if type(body) is bytes:
        return [_blob_head(body), body] if len(body) >= FROM_BYTES else None
    args, kwargs = body.args, body.kwargs
    if type(args) is msgspec.Raw:
        given = memoryview(args)
        return _call([given], kwargs) if len(given) >= FROM_BYTES else None
    if len(args) >= _MANY or not any(type(one) is bytes and len(one) >= FROM_BYTES for one in args):
        return None
    encoded: list[Any] = [b"\xdc" + len(args).to_bytes(2)]
    for one in args:
        is_large = type(one) is bytes and len(one) >= FROM_BYTES
        encoded += [_blob_head(one), one] if is_large else [encode_body(one)]
    return _call(encoded, kwargs)


def _call(args: list[Any], kwargs: Any) -> list[Any]:  # noqa: ANN401  encoded or not
    return [b"\x82\xa4args", *args, b"\xa6kwargs", encode_body(kwargs)]


def _blob_head(blob: bytes) -> bytes:
    return _BLOB.pack(_BLOB_MARK, len(blob))
