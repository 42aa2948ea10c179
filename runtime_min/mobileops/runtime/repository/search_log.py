"""The search log: one short record for each plugin, in segments that only ever grow together.

``search.json`` lists the segments, oldest first; each is a blob of gzipped JSON lines and covers a run of sequence
numbers. A publisher adds a segment with one record and merges the last ones while they are of a size (`merged`), so
that n records lie in about log(n) segments. A device takes the segments that reach beyond the last number it has seen
and replaces what it knows of the names in them: the records of a suffix of the log, applied in order, give its state.

The log helps to find names. What is installed, and what ``info`` shows, comes from the plugins' documents.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from mobileops.errors import RefusedError
from mobileops.runtime.repository import layout
from mobileops.runtime.repository.document import Blob, Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT: Final = 1
MAX_SEGMENTS: Final = 64
RATIO: Final = 4
"""A segment is merged with the one before it unless that has more than this many times its records."""
_GZIP: Final = 31
_FAST: Final = 6


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What is searched and listed of one plugin.

    Attributes:
        publisher: who signs it, in one line.
        permissions: of `version`.
        deprecated: whether its publisher advises against it.
    """

    name: str
    version: str
    type: str
    description: str
    author: str
    keywords: tuple[str, ...]
    permissions: tuple[str, ...]
    publisher: str
    deprecated: bool = False


class Segment(msgspec.Struct, frozen=True):
    """A run of the log.

    Attributes:
        blob: gzipped JSON lines.
        inflated_bytes: their size.
        records: how many.
        first, last: sequence numbers that it covers, both included.
    """

    blob: Blob
    inflated_bytes: Annotated[int, msgspec.Meta(ge=0, le=layout.MAX_SEGMENT_BYTES)]
    records: Size
    first: Size
    last: Size


class Log(msgspec.Struct, frozen=True):
    """The content of ``search.json``."""

    format: int = FORMAT
    segments: Annotated[tuple[Segment, ...], msgspec.Meta(max_length=MAX_SEGMENTS)] = ()

    @property
    def last(self) -> int:
        """The last sequence number; 0 for an empty log."""
        return self.segments[-1].last if self.segments else 0


def encode(log: Log) -> bytes:
    """Return the bytes of ``search.json``."""
    return msgspec.json.encode(log) + b"\n"


def decode(data: bytes | None, *, where: str) -> Log:
    """Return the log that ``search.json`` lists; an empty one if there is no such file.

    Raises:
        RefusedError: ``MOP6108``, it is something else, or of a later format.
    """
    if data is None:
        return Log()
    try:
        log = msgspec.json.decode(data, type=Log)
    except msgspec.DecodeError as error:
        raise _malformed(f"the list of the search log has another shape: {error}", where) from error
    if log.format != FORMAT:
        raise _malformed(f"the search log has the format {log.format}, this program reads {FORMAT}", where)
    return log


def deflate(records: Iterable[Record]) -> tuple[bytes, int]:
    """Return a segment's bytes, the same for the same records, and how many they are inflated."""
    lines = msgspec.json.Encoder().encode_lines(list(records))
    return gzip.compress(lines, compresslevel=_FAST, mtime=0), len(lines)


def inflate(data: bytes, segment: Segment, *, where: str) -> list[Record]:
    """Return the records of a segment, in their order.

    Raises:
        RefusedError: ``MOP6108``, they are something else or more than was announced.
    """
    try:
        reader = zlib.decompressobj(_GZIP)
        lines = reader.decompress(data, segment.inflated_bytes + 1)
        if len(lines) != segment.inflated_bytes or not reader.eof:
            raise _malformed(f"a segment of the search log has not the {segment.inflated_bytes} bytes it says", where)
        return msgspec.json.Decoder(Record).decode_lines(lines)
    except (zlib.error, msgspec.DecodeError) as error:
        raise _malformed(f"a segment of the search log cannot be read: {error}", where) from error


def tail(segments: Sequence[Segment], count: int) -> int:
    """Return how many of the last segments a new one of `count` records takes in."""
    taken = 0
    for segment in reversed(segments):
        if segment.records > RATIO * count:
            break
        taken, count = taken + 1, count + segment.records
    return taken


def _malformed(what: str, where: str) -> RefusedError:
    return RefusedError(
        what,
        code="MOP6108",
        where=where,
        why="docs/reference/repository.md describes the search log",
        fix="upgrade MobileOps, or tell whoever runs the repository",
    )
