"""Three-way merge of texts by lines: what one side changed is taken, what both changed differently is a conflict.

The classic diff3 algorithm (Khanna, Kunal and Pierce, "A Formal Investigation of Diff3", 2007): lines that all three
texts share cut them into chunks, and each chunk is decided alone. A chunk is never empty on all sides.

Laws::

    merge(b, a, b) == merge(b, b, a) == merge(b, a, a) == a without conflict
    merge(b, x, y) conflicts exactly when merge(b, y, x) does
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LINES: Final = 20_000  # difflib is quadratic in the worst case
OURS: Final = b"<<<<<<< yours\n"
BASE: Final = b"||||||| template before\n"
BETWEEN: Final = b"=======\n"
THEIRS: Final = b">>>>>>> template now\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge.

    Attributes:
        content: with the markers of git at each conflict.
        conflicts: how many there are.
    """

    content: bytes
    conflicts: int


def merge(base: bytes, ours: bytes, *, theirs: bytes) -> Merged:
    """Merge two texts that come from one.

    Args:
        base: the common ancestor.
        ours: one descendant; first in a conflict.
        theirs: the other.
    """
    if ours in (base, theirs):
        return Merged(theirs, 0)
    if theirs == base:
        return Merged(ours, 0)
    texts = [_lines(text) for text in (base, ours, theirs)]
    if any(b"\0" in text for text in (base, ours, theirs)) or max(map(len, texts)) > MAX_LINES:
        return Merged(ours, 1)  # nothing that markers could go into
    result: list[bytes] = []
    conflicts = 0
    for chunk in _chunks(*texts):
        decided = _decide(*chunk)
        conflicts += decided is None
        result += _marked(*chunk) if decided is None else decided
    return Merged(b"".join(result), conflicts)


def _lines(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _decide(base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> list[bytes] | None:
    """Return the lines of a chunk, None for a conflict."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else None


def _marked(base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> list[bytes]:
    def ended(lines: list[bytes]) -> list[bytes]:
        """A marker begins a line, whatever the last line of a text ends with."""
        return [*lines[:-1], lines[-1].rstrip(b"\n") + b"\n"] if lines else []

    return [OURS, *ended(ours), BASE, *ended(base), BETWEEN, *ended(theirs), THEIRS]


def _chunks(
    base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]
) -> Iterator[tuple[list[bytes], list[bytes], list[bytes]]]:
    """Yield (base, ours, theirs) of each chunk; together they are the three texts."""
    to_ours, to_theirs = _matches(base, ours), _matches(base, theirs)
    position = [0, 0, 0]
    for line in [*sorted(to_ours.keys() & to_theirs.keys()), len(base)]:
        end = [line, to_ours.get(line, len(ours)), to_theirs.get(line, len(theirs))]
        if end != position:
            spans = [list(text[a:b]) for text, a, b in zip((base, ours, theirs), position, end, strict=True)]
            yield spans[0], spans[1], spans[2]
        if line < len(base):
            yield [base[line]], [base[line]], [base[line]]
        position = [place + 1 for place in end]


def _matches(base: Sequence[bytes], other: Sequence[bytes]) -> dict[int, int]:
    """Return line of base -> equal line of the other text, both increasing."""
    blocks = difflib.SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + offset: block.b + offset for block in blocks for offset in range(block.size)}
