"""Decode what a plugin wrote, if that is little enough; everything else the plugin manager hands on undecoded."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mobileops.errors import ProtocolViolation
from mobileops.runtime.channel import counting
from mobileops.runtime.channel.rpc import malformed

MAX_NOTE_BYTES: Final = 1 << 20

MAX_VALUES: Final = 1 << 17
"""How many values the plugin manager decodes at a time; less than 10 MiB, however small they are written."""


def _as_text(code: int, _data: memoryview) -> str:
    return f"<msgpack extension {code}>"  # a value that nobody here can mean, for instance in a field of a log line


_VALUES: Final = msgspec.msgpack.Decoder(ext_hook=_as_text)


def decoded(body: msgspec.Raw | bytes, *, most_bytes: int) -> Any:  # noqa: ANN401  msgpack values
    """Return the value of a body.

    Args:
        body: msgpack; or a blob that lay in the arena, which is a value already.
        most_bytes: how long it may be.

    Raises:
        ProtocolViolation: it is too much (MOP5020), or cannot be decoded (MOP5002).
    """
    size = size_bytes(body)
    is_blob = type(body) is bytes
    if size > most_bytes or (not is_blob and counting.exceeds(memoryview(body), MAX_VALUES)):
        raise ProtocolViolation(
            f"{size} bytes are more than the plugin manager reads",
            code="MOP5020",
            why=f"at most {most_bytes} bytes and {MAX_VALUES} values",
        )
    if is_blob:
        return body
    try:
        return _VALUES.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as error:
        raise malformed(error) from error


def size_bytes(body: msgspec.Raw | bytes) -> int:
    """Return the length of a body."""
    return len(memoryview(body))
