"""Encode the few ASN.1 values that a timestamp token and an embedded SCT need, in DER, and take such values apart.

Only definite lengths and single-byte tags, ITU-T X.690 (2021) sections 8 and 10; `cryptography` does everything else.

Laws: ``tlv(tag, a, b) == tlv(tag, a + b)``, every value here is its own shortest encoding, and
``split(tlv(tag, a) + b) == (tag, a, b)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

SHORT_FORM_LIMIT: Final = 0x80
MAX_LENGTH_BYTES: Final = 4
TAG_BOOLEAN: Final = 0x01
TAG_INTEGER: Final = 0x02
TAG_OCTET_STRING: Final = 0x04
TAG_NULL: Final = 0x05
TAG_OBJECT_IDENTIFIER: Final = 0x06
TAG_UTF8_STRING: Final = 0x0C
TAG_GENERALIZED_TIME: Final = 0x18
TAG_SEQUENCE: Final = 0x30
TAG_SET: Final = 0x31
TAG_CONTEXT_0: Final = 0xA0


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode one value: tag, definite length, the parts one after the other."""
    body = b"".join(parts)
    size = len(body)
    if size < SHORT_FORM_LIMIT:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, SHORT_FORM_LIMIT | len(digits)]) + digits + body


def split(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first value.

    Raises:
        ValueError: there is none, or its length is not in the shortest form.
    """
    tag, first = data[:1], data[1:2]
    size, header = int.from_bytes(first), 2
    if size > SHORT_FORM_LIMIT:
        header += size - SHORT_FORM_LIMIT
        size = int.from_bytes(data[2:header])
    if not first or header > 2 + MAX_LENGTH_BYTES or len(data) < header + size:
        message = "a value is cut off or too long"
        raise ValueError(message)
    content = data[header : header + size]
    if tlv(tag[0], content) != data[: header + size]:
        message = "a length is not in its shortest form"
        raise ValueError(message)
    return tag[0], content, data[header + size :]


def sequence(*parts: bytes) -> bytes:
    """Encode a SEQUENCE of already encoded values."""
    return tlv(TAG_SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Encode a SET OF already encoded values, in the order DER demands (X.690 section 11.6)."""
    return tlv(TAG_SET, *sorted(parts))


def octet_string(value: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return tlv(TAG_OCTET_STRING, value)


def utf8_string(value: str) -> bytes:
    """Encode a UTF8String."""
    return tlv(TAG_UTF8_STRING, value.encode())


def integer(value: int) -> bytes:
    """Encode an INTEGER that is not negative; a leading zero keeps the sign bit clear."""
    return tlv(TAG_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def null() -> bytes:
    """Encode NULL."""
    return tlv(TAG_NULL)


def object_identifier(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER given in dotted form, such as ``1.2.840.113549.1.7.2``."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(TAG_OBJECT_IDENTIFIER, *(_base128(arc) for arc in (40 * first + second, *rest)))


def generalized_time(moment: datetime) -> bytes:
    """Encode a GeneralizedTime in whole seconds; ``moment`` must be in UTC."""
    return tlv(TAG_GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def _base128(arc: int) -> bytes:
    digits = [arc & 0x7F]
    while arc := arc >> 7:
        digits.append(arc & 0x7F | 0x80)
    return bytes(reversed(digits))
