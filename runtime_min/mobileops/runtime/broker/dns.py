"""The part of the DNS wire format that a stub name server needs: one question, answers of type A and AAAA.

Source: RFC 1035 sections 4.1 and 2.3.4, RFC 6891 (EDNS: only the size that the asker takes).
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.runtime.broker.addresses import Address

TYPE_A: Final = 1
TYPE_AAAA: Final = 28
NO_ERROR: Final = 0
SERVER_FAILURE: Final = 2
NO_SUCH_NAME: Final = 3
#: How long a client may keep an answer; much shorter than the broker remembers it.
TTL_S: Final = 30
QUERY_LIMIT_BYTES: Final = 1024
UDP_ANSWER_BYTES: Final = 512
UDP_ANSWER_LIMIT_BYTES: Final = 4096

_HEADER: Final = struct.Struct("!6H")
_TYPE_AND_CLASS: Final = struct.Struct("!HH")
_RECORD: Final = struct.Struct("!HHHIH")
_POINTER_TO_THE_QUESTION: Final = 0xC00C
_RESPONSE_RECURSION: Final = 0x8080
_RECURSION_DESIRED: Final = 0x0100
_TRUNCATED: Final = 0x0200
_NOT_A_QUESTION: Final = 0xF800
_CLASS_IN: Final = 1
_TYPE_OPT: Final = 41
_NAME_LIMIT: Final = 255
_LABEL: Final = re.compile(rb"[a-z0-9_-]{1,63}")


class Question(NamedTuple):
    """One question.

    Attributes:
        number: identifies question and answer.
        flags: of its header.
        name: lower case, without a final dot.
        kind: record type.
        wire: name, type and class as they stood in the message.
        answer_bytes: the longest answer over UDP that the asker takes.
    """

    number: int
    flags: int
    name: str
    kind: int
    wire: bytes
    answer_bytes: int


def parse(message: bytes) -> Question | None:
    """Return the question of a message, or None for anything that is not one plain question."""
    if not _HEADER.size < len(message) <= QUERY_LIMIT_BYTES:
        return None
    number, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
    if flags & _NOT_A_QUESTION or (questions, answers, authorities) != (1, 0, 0):
        return None
    labels, position = [], _HEADER.size
    while message[position]:
        end = position + 1 + message[position]
        label = message[position + 1 : end].lower()
        if (
            end + _TYPE_AND_CLASS.size >= len(message)
            or end > _HEADER.size + _NAME_LIMIT
            or not _LABEL.fullmatch(label)
        ):
            return None
        labels.append(label.decode("ascii"))
        position = end
    if len(message) < position + 1 + _TYPE_AND_CLASS.size:
        return None
    kind, record_class = _TYPE_AND_CLASS.unpack_from(message, position + 1)
    end = position + 1 + _TYPE_AND_CLASS.size
    if record_class != _CLASS_IN:
        return None
    size = _announced(message[end:]) if additional else UDP_ANSWER_BYTES
    return Question(number, flags, ".".join(labels), kind, message[_HEADER.size : end], size)


def answer(question: Question, code: int, addresses: Sequence[Address] = (), *, limit: int | None = None) -> bytes:
    """Return the answer to a question.

    Args:
        question: as parsed.
        code: `NO_ERROR`, `SERVER_FAILURE` or `NO_SUCH_NAME`.
        addresses: those of the type that was asked for are in the answer.
        limit: bytes after which the answer is cut and marked so; None for TCP.
    """
    wanted = {TYPE_A: ipaddress.IPv4Address, TYPE_AAAA: ipaddress.IPv6Address}.get(question.kind)
    records = [
        _RECORD.pack(_POINTER_TO_THE_QUESTION, question.kind, _CLASS_IN, TTL_S, len(address.packed)) + address.packed
        for address in addresses
        if wanted is not None and isinstance(address, wanted)
    ]
    flags = _RESPONSE_RECURSION | (question.flags & _RECURSION_DESIRED) | code
    room = len(records)
    if limit is not None and records:
        room = min(room, (limit - _HEADER.size - len(question.wire)) // len(records[0]))
    if room < len(records):
        flags |= _TRUNCATED
    return _HEADER.pack(question.number, flags, 1, room, 0, 0) + question.wire + b"".join(records[:room])


def _announced(additional: bytes) -> int:
    """Return the size in an OPT record right behind the question, within bounds."""
    if len(additional) >= 5 and additional[0] == 0:  # noqa: PLR2004 (root name, type, class)
        kind, size = _TYPE_AND_CLASS.unpack_from(additional, 1)
        if kind == _TYPE_OPT:
            return min(max(int(size), UDP_ANSWER_BYTES), UDP_ANSWER_LIMIT_BYTES)
    return UDP_ANSWER_BYTES
