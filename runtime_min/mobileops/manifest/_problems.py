"""What the generated validator reports, in words; nothing here runs while a manifest is good.

The pointer of a problem is RFC 6901, its ``what`` has no final period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

WRONG_TYPE: Final = "MOP1101"
MISSING: Final = "MOP1102"
UNKNOWN_KEY: Final = "MOP1103"
WRONG_CHOICE: Final = "MOP1104"
REPEATED: Final = "MOP1109"

MAX_SHOWN: Final = 80
"""Longest value that a finding quotes, in characters."""

MAX_SUGGESTIONS: Final = 100
"""How many mistakes of one manifest are compared with what may have been meant: a comparison takes its time."""

_CLOSE: Final = 0.7
"""Ratio of difflib above which a name is offered instead of another."""

_KINDS: Final = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class Problem(NamedTuple):
    """One defect, before it is tied to a file.

    Attributes:
        at: JSON pointer.
        found: the value as it would be quoted, or its kind, or None where that would not help or would show a secret.
    """

    code: str
    at: str
    what: str
    fix: str | None = None
    found: str | None = None


def shown(value: object) -> str | None:
    """Return a scalar as a finding quotes it."""
    if isinstance(value, list | dict):
        return None
    return _cut(repr(value))


def _legible(key: str) -> str:
    """Return a key as it is, unless it is long or has no UTF-8 form."""
    return _cut(key.encode("utf-8", "backslashreplace").decode())


def _cut(text: str) -> str:
    """Return a text in at most ``MAX_SHOWN`` characters and a mark."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, or None."""
    import difflib  # noqa: PLC0415 - only a mistake pays for it

    found = difflib.get_close_matches(word[:MAX_SHOWN].casefold(), sorted(candidates), n=1, cutoff=_CLOSE)
    return found[0] if found else None


def escape(key: object) -> str:
    """Return a key as a part of a JSON pointer (RFC 6901, section 3)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def mistyped(value: object, at: str, sentence: str) -> Problem:
    """Report a value of the wrong type."""
    return Problem(WRONG_TYPE, at, sentence, found=_KINDS.get(type(value), type(value).__name__))


def missing(key: str, at: str) -> Problem:
    """Report an absent key at the object that should have it."""
    return Problem(MISSING, at, f'Missing property "{key}"', f"add {key!r}")


def unknown_key(key: object, at: str, known: Iterable[str], *, earlier: int = 0) -> Problem:
    """Report a key the object does not have, with the one that was probably meant.

    Args:
        key: of the object.
        at: JSON pointer to the object.
        known: the keys it may have.
        earlier: how many problems there are already.
    """
    meant = closest(str(key), known) if earlier < MAX_SUGGESTIONS else None
    free = "remove it" if at else "remove it, or let its name start with x-"
    fix = f"did you mean {meant!r}?" if meant else free
    return Problem(UNKNOWN_KEY, f"{at}/{escape(key)}", f"Property {_legible(str(key))} is not allowed", fix)


def wrong_choice(value: str, at: str, sentence: str, choices: Collection[str]) -> Problem:
    """Report a string that is none of the choices."""
    meant = closest(value, choices)
    fix = f"did you mean {meant!r}?" if meant else f"write one of {', '.join(map(repr, choices))}"
    return Problem(WRONG_CHOICE, at, sentence, fix, shown(value))


def repeated(items: list[object], at: str) -> list[Problem]:
    """Report every string of an array that was there before."""
    first: dict[str, int] = {}
    return [
        Problem(REPEATED, f"{at}/{index}", "Array has duplicate items", f"remove it: it is item {first[item]} already")
        for index, item in enumerate(items)
        if isinstance(item, str) and first.setdefault(item, index) != index
    ]
