"""Did you mean …?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean 'x'?" for the known word that a mistyped or unfinished one is near to, or None."""
    import difflib  # noqa: PLC0415  only a mistake needs it

    words = list(known)
    begun = [one for one in words if word and one.startswith(word)]
    near = begun if len(begun) == 1 else difflib.get_close_matches(word, words, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else None
