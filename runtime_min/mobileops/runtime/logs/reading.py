"""Read logs of plugins, in pieces of whole lines, forwards or from the end.

A log is two files, the older first: ``NAME.jsonl.1`` and ``NAME.jsonl``. Who wants the last records of a large log
reads it from the end, and no more of it than that takes.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from mobileops.runtime.logs.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.runtime.logs.writing import Record

#: Longer than any line that `LogFile` writes, and small enough to stay in a processor's cache.
PIECE_BYTES: Final = 1 << 19
_TIME: Final = attrgetter("time")


def names(home: Home) -> list[str]:
    """Return the plugins that have a log."""
    return sorted({path.name.partition(".jsonl")[0] for path in home.logs.glob("*.jsonl*")})


def read(
    home: Home,
    *,
    plugin: str | None = None,
    text: str | None = None,
    query: Query | None = None,
    last: int | None = None,
    ends: Mapping[str, int] | None = None,
) -> Iterator[Record]:
    """Yield the records of one plugin or of all, by time; those of one plugin in their order.

    Args:
        home: the plugin manager's folder.
        plugin: only this plugin.
        text: short for a query for a text.
        query: only records that it wants.
        last: only so many, the newest; None is all.
        ends: plugin name -> how many bytes of its newer file count; others count whole.
    """
    query = query or Query(text=text)
    logs = [_files(home, name) for name in ([plugin] if plugin else names(home))]
    limits = {f"{name}.jsonl": size for name, size in (ends or {}).items()}
    if last is None:
        yield from heapq.merge(*(_forwards(files, query, limits) for files in logs), key=_TIME)
        return
    newest = [_last(files, query, limits, last) for files in logs]
    yield from deque(heapq.merge(*newest, key=_TIME), maxlen=last)


def _files(home: Home, name: str) -> tuple[Path, Path]:
    return home.logs / f"{name}.jsonl.1", home.logs / f"{name}.jsonl"


def _forwards(files: Sequence[Path], query: Query, limits: Mapping[str, int]) -> Iterator[Record]:
    for path in files:
        for lines in pieces(path, end=limits.get(path.name)):
            yield from query.records(lines)


def _last(files: Sequence[Path], query: Query, limits: Mapping[str, int], count: int) -> list[Record]:
    """Return the newest records of one log that are wanted, oldest first."""
    found: list[list[Record]] = []
    backwards = (lines for path in reversed(files) for lines in pieces_from_end(path, end=limits.get(path.name)))
    for lines in backwards:
        if query.is_over(lines):
            break
        found.append(list(query.records(lines)))
        if sum(map(len, found)) >= count:
            break
    return list(itertools.chain.from_iterable(reversed(found)))[-count:] if count else []


def pieces(path: Path, *, end: int | None = None, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines; the rest after the last newline is one too. Nothing if there is no file.

    Args:
        path: of the file.
        end: how many of its bytes count.
        size: bytes of a piece; a line that is longer comes apart.
    """
    try:
        stream = path.open("rb", buffering=0)
    except FileNotFoundError:
        return
    rest = b""
    left = -1 if end is None else end
    with stream:
        while data := stream.read(size if left < 0 else min(size, left)):
            left -= len(data) if left > 0 else 0
            lines, newline, after = data.rpartition(b"\n")
            if newline or len(rest) > size:
                yield rest + lines + newline
                rest = after
            else:
                rest += data
            if left == 0:
                break
    if rest:
        yield rest


def pieces_from_end(path: Path, *, end: int | None = None, size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the same pieces as `pieces`, the last first; where they are cut may differ."""
    try:
        stream = path.open("rb", buffering=0)
    except FileNotFoundError:
        return
    with stream:
        stop = stream.seek(0, 2) if end is None else end
        while stop > 0:
            begin = max(0, stop - size)
            stream.seek(begin)
            lines = stream.read(stop - begin)
            if begin > 0:
                cut = lines.find(b"\n", 0, len(lines) - 1) + 1
                begin, lines = begin + cut, lines[cut:]
            yield lines
            stop = begin
