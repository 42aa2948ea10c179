"""Count the values of a msgpack payload before it is decoded.

One byte of msgpack can become an object of seventy. Where the plugin manager decodes what a plugin wrote, it first
makes sure that the result is small; a string or a blob counts as one value, whatever its length.
"""

from __future__ import annotations

from typing import Final

_SHORT_TEXT: Final = 0xA0
_NIL: Final = 0xC0
_NEGATIVE: Final = 0xE0
_FIXED: Final = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2,
                 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}  # fmt: skip
"""First byte -> how many follow (msgpack specification, "Formats")."""
_SIZED: Final = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1),
                 0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}  # fmt: skip
"""First byte of bin, ext and str -> bytes of its length, and bytes beside it."""
_NESTED: Final = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
"""First byte of array and map -> bytes of its length; its values follow."""


def exceeds(payload: bytes | memoryview, most: int) -> bool:
    """Tell whether a payload holds more values than `most`, without making any; stops as soon as that is known.

    A payload that is cut short does not exceed: the decoder refuses it.
    """
    if len(payload) <= most:
        return False
    at, values, end = 0, 0, len(payload)
    while at < end:
        values += 1
        if values > most:
            return True
        first = payload[at]
        at += 1
        if first < _SHORT_TEXT or first >= _NEGATIVE:
            continue  # a small number, or a short array or map, whose values follow
        if first < _NIL:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _SIZED:
            width, beside = _SIZED[first]
            at += width + beside + int.from_bytes(payload[at : at + width])
        elif first in _NESTED:
            at += _NESTED[first]
        else:
            return False  # 0xc1, which no value begins with
    return False
