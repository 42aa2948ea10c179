"""The audit log: one JSON line for every decision about a plugin's permissions, append-only and bounded.

Record::

    {"time": RFC 3339 UTC, "plugin": NAME, "source": "broker"|"manager", "operation": one word such as "connect",
     "target": text, "verdict": "allowed"|"denied", "permission": text or null, "reason": text, "name": text or null}

``permission`` is the granted one that allowed it, or the one that would have; null when there is none. ``name`` is a
name that the target was reached by, such as a host's.

Each source has its own file, ``NAME.SOURCE.jsonl``, so that no writer waits for another or can spoil what another
wrote. A full file becomes ``NAME.SOURCE.jsonl.1``; the new one begins with ``{"since": time, "totals": {"VERDICT
OPERATION PERMISSION": count}}``, so that the counts are complete where the lines are not. Only the standard library is
imported: the network broker runs without anything else. It writes to descriptors that the plugin manager opened,
because it may open no files there itself.
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Source: TypeAlias = Literal["broker", "manager"]

SOURCES: Final[tuple[Source, ...]] = ("broker", "manager")
LIMIT_BYTES: Final = 4 << 20
MAX_TEXT: Final = 300
#: Of one file; further combinations are counted as `OTHERS`, so that a plugin cannot grow the totals.
MAX_TOTALS: Final = 1000
OTHERS: Final = "…"
_READ_BYTES: Final = 2 * LIMIT_BYTES
_SPACES_OF_A_KEY: Final = 2
_quoted: Final = json.encoder.encode_basestring_ascii


class Counts(NamedTuple):
    """How often something was decided.

    Attributes:
        since: time of the first decision, or None when there was none.
        of: (verdict, operation, permission or the empty text) -> number of decisions.
    """

    since: str | None
    of: dict[tuple[str, str, str], int]


def files(folder: Path, plugin: str, source: Source) -> tuple[Path, Path]:
    """Return the current and the previous file of one source about one plugin."""
    current = folder / f"{plugin}.{source}.jsonl"
    return current, current.with_name(f"{current.name}.1")


def open_files(folder: Path, plugin: str, source: Source) -> tuple[int, int]:
    """Return descriptors for an `AuditLog`, which may be that of another process; the caller closes them.

    Raises:
        OSError: they cannot be opened.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    current, previous = files(folder, plugin, source)
    first = os.open(current, flags, 0o600)
    try:
        return first, os.open(previous, flags, 0o600)
    except OSError:
        os.close(first)
        raise


def all_files(folder: Path, plugin: str) -> list[Path]:
    """Return every file there may be about one plugin."""
    return [path for source in SOURCES for path in files(folder, plugin, source)]


class AuditLog:
    """Writes the decisions of one source about one plugin. Any thread may use it.

    Args:
        plugin: its name.
        source: who decides.
        descriptors: what `open_files` returned; closed by `close`.
        limit: bytes of one file.
    """

    def __init__(self, plugin: str, source: Source, *, descriptors: tuple[int, int], limit: int = LIMIT_BYTES) -> None:
        self._who = f'"plugin": {_json(plugin)}, "source": {_json(source)}'
        self._current, self._previous = descriptors
        self._limit = limit
        self._lock = threading.Lock()

    def record(
        self,
        operation: str,
        target: str,
        *,
        allowed: bool,
        permission: str | None,
        reason: str,
        name: str | None = None,
    ) -> None:
        """Write one decision; long texts are cut.

        Raises:
            OSError: the disk refused; nothing may be allowed that is not written down.
        """
        text = (
            f'{{"time": "{_now()}", {self._who}, "operation": {_json(operation)}, "target": {_json(target)}, '
            f'"verdict": "{"allowed" if allowed else "denied"}", "permission": {_json(permission)}, '
            f'"reason": {_json(reason)}, "name": {_json(name)}}}\n'
        ).encode()
        with self._lock:
            if os.lseek(self._current, 0, os.SEEK_END) + len(text) > self._limit:
                self._rotate()
            os.write(self._current, text)

    def close(self) -> None:
        """Close both descriptors."""
        with self._lock:
            os.close(self._current)
            os.close(self._previous)

    def _rotate(self) -> None:
        content = os.pread(self._current, _READ_BYTES, 0)
        tally = _Tally()
        for line in _lines(content):
            tally.add(line)
        os.ftruncate(self._previous, 0)
        os.write(self._previous, content)
        os.ftruncate(self._current, 0)
        os.write(self._current, json.dumps(tally.line()).encode() + b"\n")


def read(folder: Path, plugin: str) -> Iterator[dict[str, Any]]:
    """Yield the decisions about a plugin that are still there, oldest first within a source."""
    for source in SOURCES:
        for path in reversed(files(folder, plugin, source)):
            yield from (line for line in _lines(_content(path)) if "totals" not in line)


def counts(folder: Path, plugin: str) -> Counts:
    """Return how often each thing was decided since the plugin first ran."""
    tally = _Tally()
    for source in SOURCES:
        for line in _lines(_content(files(folder, plugin, source)[0])):
            tally.add(line)
    return tally.counts()


class _Tally:
    """Counts decisions."""

    def __init__(self) -> None:
        self._since: str | None = None
        self._totals: Counter[str] = Counter()

    def add(self, line: dict[str, Any]) -> None:
        """Count one line of a file, which may stand for many decisions."""
        time = line.get("since") or line.get("time")
        if isinstance(time, str) and (self._since is None or time < self._since):
            self._since = time
        totals = line.get("totals")
        if isinstance(totals, dict):
            for key, number in totals.items():
                if isinstance(number, int) and key.count(" ") >= _SPACES_OF_A_KEY:
                    self._count(key, number)
        else:
            self._count(f"{line.get('verdict')} {line.get('operation')} {line.get('permission') or ''}", 1)

    def line(self) -> dict[str, Any]:
        """Return the first line of the next file."""
        return {"since": self._since, "totals": self._totals}

    def counts(self) -> Counts:
        """Return what was counted."""
        found = {}
        for key, number in self._totals.items():
            verdict, operation, permission = key.split(" ", 2)
            found[verdict, operation, permission] = number
        return Counts(self._since, found)

    def _count(self, key: str, number: int) -> None:
        if key not in self._totals and len(self._totals) >= MAX_TOTALS:
            key = f"{key.partition(' ')[0]} {OTHERS} "
        self._totals[key] += number


def _json(text: str | None) -> str:
    """Return a text as JSON, cut; a quarter of the time of `json.dumps`, which looks for what is not there."""
    return "null" if text is None else _quoted(text[:MAX_TEXT])


def _now() -> str:
    seconds, fraction = divmod(time.time(), 1)
    return f"{_second(int(seconds))}.{int(fraction * 1000):03}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_READ_BYTES)
    except FileNotFoundError:
        return b""


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    for text in content.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last line of a crash
        if isinstance(line, dict):
            yield line
