"""Which records are wanted. What can be is decided on the bytes of the file, before any line is decoded.

A text is looked for in the line as it is stored, quoted as JSON quotes it, and letters of ASCII match in either case; a
text with other letters costs more. Times are compared as text: they have one form, which sorts.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.runtime.logs.writing import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
#: Where the time stands in a line: behind ``{"time":"``.
_TIME: Final = slice(9, 33)
_DECODER: Final = msgspec.json.Decoder(Record)


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """What a record must be.

    Attributes:
        text: is in the line, ignoring case; None is any.
        level: the least one of `LEVELS`; None is any. A level that is none of them counts as INFO.
        since: RFC 3339 UTC with milliseconds, as `timestamp` writes it; the first moment that counts.
        until: the first moment that does not count any more.
        fields: name and value, as text or JSON, of fields that it must have.
    """

    text: str | None = None
    level: str | None = None
    since: str | None = None
    until: str | None = None
    fields: tuple[tuple[str, str], ...] = ()

    def records(self, lines: bytes) -> Iterator[Record]:
        """Yield the records of some whole lines that are wanted, in their order."""
        for line in self._candidates(lines):
            try:
                record = _DECODER.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # the last line of a crash; every whole line is still shown
            if self.wants(record):
                yield record

    def wants(self, record: Record) -> bool:
        """Whether a record is wanted, apart from the text."""
        if self.level is not None and _rank(record.level) < _rank(self.level):
            return False
        if (self.since is not None and record.time < self.since) or (
            self.until is not None and record.time >= self.until
        ):
            return False
        return all(name in record.fields and _is(record.fields[name], value) for name, value in self.fields)

    def is_over(self, lines: bytes) -> bool:
        """Whether everything up to the end of some whole lines is too old."""
        last = lines[lines.rfind(b"\n", 0, len(lines) - 1) + 1 :]
        return self.since is not None and last[: _TIME.start] == b'{"time":"' and last[_TIME] < self.since.encode()

    def _candidates(self, lines: bytes) -> Iterator[bytes]:
        """Yield the lines that may be wanted."""
        if not self.text:
            yield from lines.splitlines()
            return
        wanted = msgspec.json.encode(self.text)[1:-1]
        if not wanted.isascii():
            yield from _folded(lines, wanted.decode().casefold())
            return
        wanted, lowered = wanted.lower(), lines.lower()
        at = lowered.find(wanted)
        while at >= 0:
            end = lines.find(b"\n", at)
            end = len(lines) if end < 0 else end
            yield lines[lines.rfind(b"\n", 0, at) + 1 : end]
            at = lowered.find(wanted, end)


def _folded(lines: bytes, wanted: str) -> Iterator[bytes]:
    for line in lines.splitlines():
        if wanted in line.decode("utf-8", "replace").casefold():
            yield line


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("INFO")


def _is(value: Any, wanted: str) -> bool:  # noqa: ANN401  any JSON value
    return str(value) == wanted or (not isinstance(value, str) and msgspec.json.encode(value).decode() == wanted)
