"""Demand values of one type from JSON of the trust policy; a refusal names the JSON pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from mobileops.errors import TrustRefused


def wrong(what: str, at: str, *, fix: str | None = None) -> TrustRefused:
    """Return the refusal of a value: ``MOP3103``."""
    return refuse(Code.POLICY_VALUE, what, where=at, fix=fix)


def text(value: object, at: str) -> str:
    """Return a string that is not empty.

    Raises:
        TrustRefused: ``MOP3103``.
    """
    if not isinstance(value, str) or not value:
        raise wrong("a value is not a string, or empty", at)
    return value


def texts(value: object, at: str, pattern: re.Pattern[str] | None = None, *, like: str = "") -> tuple[str, ...]:
    """Return a list of strings that are not empty and fit a pattern, which `like` puts into words.

    Raises:
        TrustRefused: ``MOP3103``.
    """
    if not isinstance(value, list):
        raise wrong("a value is not a list", at)
    for place, item in enumerate(value):
        found = text(item, f"{at}/{place}")
        if pattern and not pattern.fullmatch(found):
            raise wrong(f"{found!r:.80} is malformed", f"{at}/{place}", fix=f"write {like}")
    return tuple(value)


def number(value: object, at: str, *, lowest: int) -> int:
    """Return a whole number that is not too low.

    Raises:
        TrustRefused: ``MOP3103``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise wrong(f"{value!r:.40} is not a whole number from {lowest} on", at)
    return value


def object_(value: object, at: str, *, required: set[str], optional: set[str]) -> dict[str, Any]:
    """Return an object that has these keys and no others.

    Raises:
        TrustRefused: ``MOP3102`` a key is unknown, ``MOP3103`` one is missing, or it is no object.
    """
    if not isinstance(value, dict):
        raise wrong("a value is not an object", at)
    for key in sorted(value.keys() - required - optional):
        known = ", ".join(sorted(required | optional))
        near = _nearest(key, required | optional)
        what = f"the key {key!r} is unknown"
        raise refuse(Code.POLICY_KEY, what, where=f"{at}/{key}", fix=f"{near}the keys here are {known}")
    for key in sorted(required - value.keys()):
        raise wrong(f"the key {key!r} is missing", at)
    return value


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}? " if near else ""
