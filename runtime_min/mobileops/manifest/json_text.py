"""Read JSON strictly, write it canonically.

``loads`` accepts the I-JSON subset (RFC 7493) and nothing around it: one UTF-8 text without a byte order mark,
unique keys, no ``NaN`` or ``Infinity``, no number beyond 2**53 - 1 (where doubles skip integers), no unpaired
surrogates, bounded size and depth. ``canonical`` writes RFC 8785 (JCS).

Laws::

    loads(canonical(v)) == v                     for every v that loads() can return
    canonical(loads(canonical(v))) == canonical(v)

The fast path is the C scanner of the standard library. A text it refuses is read a second time by
``_json_explain``, slowly, to name every place that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final, NoReturn

from mobileops.manifest._refusal import refused

if TYPE_CHECKING:
    from mobileops.errors import ManifestError

MAX_JSON_BYTES: Final = 1 << 20
MAX_JSON_DEPTH: Final = 64
MAX_SAFE_INTEGER: Final = (1 << 53) - 1
"""Largest integer that every JSON reader agrees on (RFC 7493, section 2.2)."""

_SAFE_DIGITS: Final = 15
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ECMASCRIPT_DIGITS: Final = 21
_ECMASCRIPT_ZEROS: Final = -6
"""Number::toString (ECMA-262) writes 21 digits, or 6 zeros after the point, before it takes an exponent."""


class _NotStrictError(ValueError):
    """The text is JSON for a lenient reader only."""


def loads(data: bytes, *, where: str, limit: int = MAX_JSON_BYTES) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the value of a strict JSON text.

    Args:
        data: the whole file.
        where: name of the file, used in findings as ``where:line:column``.
        limit: largest accepted size in bytes.

    Raises:
        ManifestError: with one finding (``MOP10xx``) for every defect that could be located.
    """
    text = _decode(data, where, limit)
    try:
        return _read(text)
    except (ValueError, RecursionError) as error:
        from mobileops.errors import ManifestError  # noqa: PLC0415 - only a refused text pays for it
        from mobileops.manifest._json_explain import explain  # noqa: PLC0415 - likewise

        raise ManifestError(explain(text, where, fallback=str(error)), where=where) from error


def canonical(value: Any) -> bytes:  # noqa: ANN401 - JSON has no narrower type
    """Return the RFC 8785 form of a JSON value as UTF-8.

    Args:
        value: null, booleans, numbers, strings, lists or tuples, and mappings with string keys.

    Raises:
        ManifestError: a number has no exact RFC 8785 form (``MOP1010``) or a string no UTF-8 form (``MOP1011``).
    """
    parts: list[str] = []
    _write(value, parts.append)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        what = "a string holds an unpaired surrogate"
        raise refused("MOP1011", what, "value", why="RFC 8785, section 3.2.2.2") from error


def _decode(data: bytes, where: str, limit: int) -> str:
    """Return the text, or refuse it for its size or encoding."""
    if len(data) > limit:
        what = f"the file has {len(data)} bytes, more than {limit}"
        raise refused("MOP1001", what, where, fix="make it smaller")
    if data.startswith(_BYTE_ORDER_MARK):
        raise refused(
            "MOP1003",
            "the file starts with a byte order mark",
            f"{where}:1:1",
            why="RFC 8259, section 8.1",
            fix="save it as UTF-8 without BOM",
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode()) + 1
        raise refused(
            "MOP1002",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            f"{where}:{line}:{column}",
            why="RFC 8259, section 8.1",
            fix="save it as UTF-8",
        ) from error


def _read(text: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the value, or raise ValueError or RecursionError."""
    value = _DECODER.decode(text)
    # A text with few brackets cannot be deep, and one without escapes cannot hold a surrogate.
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _depth(value) > MAX_JSON_DEPTH:
        raise _NotStrictError
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object and refuse a key given twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrictError
    return value


def _refuse(_constant: str) -> NoReturn:
    """Refuse NaN, Infinity and -Infinity, which are not JSON."""
    raise _NotStrictError


def safe_integer(text: str) -> int:
    """Return an integer of at most 53 bits, or raise ValueError."""
    if len(text) <= _SAFE_DIGITS:
        return int(text)
    if len(text) > _SAFE_DIGITS + 2 or abs(value := int(text)) > MAX_SAFE_INTEGER:
        raise _NotStrictError
    return value


def finite_real(text: str) -> float:
    """Return a float of a magnitude that survives ``canonical``, or raise ValueError."""
    value = float(text)
    if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        raise _NotStrictError
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse, parse_int=safe_integer, parse_float=finite_real
)


def _depth(value: object) -> int:
    """Return how many containers are nested in each other, one level at a time."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _write(value: Any, put: Any) -> None:  # noqa: ANN401 - JSON has no narrower type
    """Write one value; ``put`` receives the pieces in order."""
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None or isinstance(value, bool):
        put({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int | float):
        put(_number(value))
    elif isinstance(value, Mapping):
        mark = "{"
        # RFC 8785, section 3.2.3: keys are sorted by their UTF-16 code units.
        for key in sorted(value, key=None if all(map(str.isascii, value)) else _utf16):
            put(f"{mark}{encode_basestring(key)}:")
            _write(value[key], put)
            mark = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            put(mark)
            _write(item, put)
            mark = ","
        put("]" if value else "[]")
    else:
        message = f"a {type(value).__name__} has no JSON form"
        raise TypeError(message)


def _utf16(key: str) -> bytes | str:
    """Return what sorts like the UTF-16 code units of ``key``."""
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """Return the ECMAScript form of a number (RFC 8785, section 3.2.2.3)."""
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise _inexact(value)
        return str(value)
    if value - value != 0.0:
        raise _inexact(value)
    if value == 0.0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent or 0)
    return ("-" if value < 0 else "") + _place(digits.rstrip("0"), point)


def _place(digits: str, point: int) -> str:
    """Write ``0.DIGITS`` times ten to the ``point`` as ECMAScript's Number::toString does."""
    if len(digits) <= point <= _ECMASCRIPT_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _ECMASCRIPT_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if _ECMASCRIPT_ZEROS < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def _inexact(value: float) -> ManifestError:
    """Return the refusal of a number that other readers would change."""
    return refused("MOP1010", f"{value!r} has no exact JSON form", "value", why="RFC 7493, section 2.2")
