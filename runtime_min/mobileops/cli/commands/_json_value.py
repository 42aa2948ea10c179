"""A JSON value from the command line that the channel can carry."""

from __future__ import annotations

import json
from typing import Any, Final

from mobileops.errors import UsageError

SMALLEST: Final = -(1 << 63)
LARGEST: Final = (1 << 64) - 1
"""Integers of msgpack have 64 bits."""

MAX_SHOWN: Final = 200


def parse_value(text: str, *, fix: str | None = None) -> Any:  # noqa: ANN401  any JSON value
    """Return what a text stands for.

    Args:
        text: what the person wrote.
        fix: what to write instead; how to quote the text when absent.

    Raises:
        UsageError: MOP7004, it is not JSON, or goes beyond what the channel carries.
    """
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{text[:MAX_SHOWN]!r} is not JSON",
            code="MOP7004",
            why=str(error),
            fix=fix or f"quote a string twice, like '{json.dumps(text[:MAX_SHOWN])}'",
        ) from error


def _integer(digits: str) -> int:
    number = int(digits)
    if not SMALLEST <= number <= LARGEST:
        message = f"{digits[:MAX_SHOWN]} has more than 64 bits; write it as a string, or as a number with a point"
        raise ValueError(message)
    return number
