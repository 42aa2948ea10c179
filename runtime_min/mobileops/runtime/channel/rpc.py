"""Framing of every socket: plugin manager ⇄ plugin, command line ⇄ plugin manager. The same file on both sides.

A frame is a little-endian u32 length and that many bytes of msgpack: the array ``[kind, id, method, body, place]``.

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
CANCEL    8   asker → server    nobody waits for the request with this id any more; it is answered all the same
ITEM      9   server → asker    one more value of the stream that the request with this id opened
END       10  server → asker    the stream is complete; like RESULT and ERROR, the last frame with this id
CREDIT    11  asker → server    ``body`` more items of the stream with this id may be sent
TAKEN     12  both              what lay in the arena at offset ``id`` was copied out (see the module ``arena``)
ROOM      13  plugin → manager  the first ``id`` bytes of the manager's half of the arena may be used
========= === ================= ==============================================================

``place`` is nil or absent, or ``[offset, length]`` of a body that lies in the arena; ``body`` is nil then.

Rules, each enforced by `mobileops.runtime.channel.decoder` or the peer's dispatcher; breaking one ends the connection
with a `ProtocolViolation`:

- the length is checked against the limit before anything is allocated (a peer may be hostile);
- a frame is exactly one array of those types, nothing after it;
- an answer must carry the id of a request that waits, once, whether or not the request was cancelled;
- a stream may send `STREAM_WINDOW` items, then as many more as it has been granted.

Never pickle.
"""

from __future__ import annotations

import enum
import struct
from typing import Any, Final

import msgspec

from mobileops.errors import ProtocolViolation

MAX_FRAME_BYTES: Final = 64 << 20
"""Longest frame a plugin may send or get; the size of the largest argument or result."""

MAX_CONTROL_FRAME_BYTES: Final = MAX_FRAME_BYTES
"""Longest frame on the plugin manager's own socket: it carries the same arguments and results."""

READ_BYTES: Final = 1 << 16
"""How much is read at a time while no longer frame is under way."""

NO_ANSWER: Final = "MOP5014"
"""The code of a call that was not answered before its deadline."""

WRONG_ARGUMENT: Final = "MOP5015"
"""The code of a call whose arguments are not those of the method."""

HOOK_REFUSED: Final = "MOP5107"
"""The code of a ``pre_`` hook that failed."""

STREAM_WINDOW: Final = 16
"""How many items of a stream may be under way before the asker grants more."""

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
    CANCEL = 8
    ITEM = 9
    END = 10
    CREDIT = 11
    TAKEN = 12
    ROOM = 13


CALL: Final = Kind.CALL
RESULT: Final = Kind.RESULT
"""The two of every call under a name of their own: looking up a member of an enumeration takes 0.2 µs."""

ANSWERS: Final = frozenset({Kind.RESULT, Kind.ERROR, Kind.END})
"""The kinds that end a request."""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where in the arena a body lies; both numbers are whatever the other side claims."""

    offset: int
    length: int


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message: ``[kind, id, method, body, place]``."""

    kind: Kind
    id: int
    method: str
    body: Any
    place: Place | None = None


class RawFrame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Frame` whose body is still msgpack; it is valid only until more is read."""

    kind: Kind
    id: int
    method: str
    body: msgspec.Raw
    place: Place | None = None


RAW_FRAMES: Final = msgspec.msgpack.Decoder(RawFrame)


class Call(msgspec.Struct):
    """The body of CALL and QUEUE; either part may still be msgpack."""

    args: Any = ()
    kwargs: Any = {}


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


_encode: Final = _ENCODER.encode
_length: Final = LENGTH.pack


def encode(frame: Frame) -> bytes:
    """Return the wire form of a frame.

    Raises:
        TypeError: the body has a value that msgpack cannot carry.
        ProtocolViolation: the frame is longer than `MAX_FRAME_BYTES`.
    """
    try:
        payload = _encode(frame)
    except NotImplementedError as error:
        raise TypeError(str(error)) from error
    size = len(payload)
    if size > MAX_FRAME_BYTES:
        raise too_long(size, MAX_FRAME_BYTES)
    return _length(size) + payload


def encode_body(body: object) -> bytes:
    """Return a body alone as msgpack.

    Raises:
        TypeError: it has a value that msgpack cannot carry.
    """
    try:
        return _ENCODER.encode(body)
    except NotImplementedError as error:
        raise TypeError(str(error)) from error


def too_long(size: int, limit: int) -> ProtocolViolation:
    """Return what a frame is that is longer than its limit, both in bytes."""
    return ProtocolViolation(
        f"a frame of {size} bytes is longer than the limit of {limit}",
        code="MOP5001",
        why="the length of a frame is bounded before it is read",
        fix="send large data in pieces, or write it to a file under /data",
    )


def malformed(error: Exception) -> ProtocolViolation:
    """Return what a frame is that cannot be decoded."""
    return ProtocolViolation(
        f"a frame cannot be read: {error}",
        code="MOP5002",
        why="a frame is the msgpack array [kind, id, method, body]",
    )
