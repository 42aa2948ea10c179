"""Structured logs: one JSON object a line, one file a plugin, bounded.

Record: ``{"time": RFC 3339 UTC, "plugin": name, "level": …, "source": "plugin"|"output"|"manager", "message": text,
"fields": {…}}``; what a plugin's process writes to stdout and stderr is its output.
A file that reaches `MAX_LOG_BYTES` becomes ``NAME.jsonl.1``; the one before that is dropped, so a plugin that floods
its log costs at most twice that.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

MAX_LOG_BYTES: Final = 8 << 20
MAX_MESSAGE_CHARACTERS: Final = 16 << 10
MAX_FIELDS_BYTES: Final = 64 << 10


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One log line."""

    time: str
    plugin: str
    level: str
    source: str
    message: str
    fields: dict[str, Any] = {}


def timestamp(seconds: float) -> str:
    """Return RFC 3339 UTC with milliseconds for seconds since the epoch."""
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class LogFile:
    """The log of one plugin. It is opened for each line: nothing to close.

    And a file that somebody moved away is simply made again.
    """

    def __init__(self, path: Path, *, limit: int = MAX_LOG_BYTES) -> None:
        """Name the file.

        Args:
            path: ``NAME.jsonl``.
            limit: bytes after which the file is rotated.
        """
        self._path = path
        self._limit = limit

    def append(self, record: Record) -> None:
        """Write one line; oversized messages and fields are cut, with a mark.

        Raises:
            OSError: the disk refused.
        """
        line = to_line(_bounded(record)).encode() + b"\n"
        with self._path.open("ab", buffering=0) as stream:
            full = stream.tell() + len(line) > self._limit
            if not full:
                stream.write(line)
        if full:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._path.write_bytes(line)


def to_line(record: Record) -> str:
    """Return the record as it stands in the file."""
    return msgspec.json.encode(record).decode()


def _bounded(record: Record) -> Record:
    """Cut what is too long, and drop fields that JSON cannot carry (a plugin may send any msgpack value)."""
    if len(record.message) > MAX_MESSAGE_CHARACTERS:
        record = msgspec.structs.replace(record, message=record.message[:MAX_MESSAGE_CHARACTERS] + "… (cut)")
    try:
        size = len(msgspec.json.encode(record.fields))
    except (TypeError, ValueError, RecursionError) as error:
        return msgspec.structs.replace(record, fields={"dropped": f"fields that are no JSON: {error}"[:200]})
    if size > MAX_FIELDS_BYTES:
        record = msgspec.structs.replace(record, fields={"dropped": f"fields longer than {MAX_FIELDS_BYTES} bytes"})
    return record
