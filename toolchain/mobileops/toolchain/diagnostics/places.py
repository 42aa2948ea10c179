"""Give findings their line and column: read each file once, and look JSON pointers up in the manifest's layout."""

from __future__ import annotations

import bisect
import functools
import re
from typing import TYPE_CHECKING, Final

from mobileops.manifest import UNKNOWN_KEY
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.rules import secrets_kept_out
from mobileops.toolchain.checks.source import YAML_SUFFIXES
from mobileops.toolchain.diagnostics import layout
from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mobileops.errors import Finding
    from mobileops.toolchain.diagnostics.layout import Entry, Layout, Span

_WORD: Final = re.compile(r"""\w+(?:\.\w+)*|"[^"]*"|'[^']*'""")
_NUMBERED: Final = re.compile(r"(?P<file>.+?)(?::(?P<line>[0-9]{1,9}))?(?::(?P<column>[0-9]{1,9}))?", re.DOTALL)


class Text:
    """A text and the offsets of its lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both counted from 1."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str | None:
        """Return a line without its end, None if there is no such line."""
        if not 0 < number <= len(self._starts):
            return None
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")


class Places:
    """The files of one plugin folder, read when a finding first names them.

    Attributes:
        manifest_name: the file that JSON pointers are about.
    """

    def __init__(self, folder: Path, manifest_name: str) -> None:
        self.manifest_name = manifest_name
        self._folder = folder
        self._texts: dict[str, Text | None] = {}

    def locate(self, findings: Iterable[Finding]) -> tuple[Diagnostic, ...]:
        """Return the findings with their places, sorted: the manifest first, then by file, line, column and code."""
        located = [self._locate(finding) for finding in findings]
        return tuple(sorted(located, key=self._order))

    def _locate(self, finding: Finding) -> Diagnostic:
        name, hash_mark, pointer = finding.where.partition("#")
        if hash_mark and name == self.manifest_name:
            return self._by_pointer(finding, pointer)
        found = _NUMBERED.fullmatch(finding.where)
        if found is None or found["line"] is None:
            return Diagnostic(finding, finding.where)
        text, line = self._text(found["file"]), int(found["line"])
        column = int(found["column"]) if found["column"] else None
        shown = text.line(line) if text and finding.code != secrets_kept_out.CODE else None
        return Diagnostic(
            finding, found["file"], line=line, column=column, end_column=_end(shown, column), source_line=shown
        )

    def _by_pointer(self, finding: Finding, pointer: str) -> Diagnostic:
        text, entry = self._text(self.manifest_name), self._layout.entries.get(pointer)
        if text is None or entry is None:
            return Diagnostic(finding, self.manifest_name, pointer=pointer)
        span = entry.key if entry.key and _is_about_key(finding, pointer, entry, text.text) else entry.value
        return _spanned(finding, self.manifest_name, pointer=pointer, text=text, span=span)

    @functools.cached_property
    def _layout(self) -> Layout:
        text = self._text(self.manifest_name)
        if text is None:
            return layout.Layout({}, complete=False)
        return layout_of(self.manifest_name, text.text)

    def _text(self, name: str) -> Text | None:
        if name not in self._texts:
            content = files.read_bytes(self._folder, name)
            known = None if isinstance(content, Unreadable) else Text(content.decode("utf-8", "replace"))
            self._texts[name] = known
        return self._texts[name]

    def _order(self, found: Diagnostic) -> tuple[bool, str, int, int, str, str]:
        finding = found.finding
        return (
            found.file != self.manifest_name,
            found.file,
            found.line or 0,
            found.column or 0,
            finding.code,
            finding.what,
        )


def layout_of(name: str, text: str) -> Layout:
    """Return where the values of a manifest stand, by the ending of its name."""
    if name.endswith(YAML_SUFFIXES):
        from mobileops.toolchain.diagnostics import yaml_layout  # noqa: PLC0415 - most plugins have no YAML

        return yaml_layout.scan(text)
    return layout.scan(text)


def _is_about_key(finding: Finding, pointer: str, entry: Entry, text: str) -> bool:
    """Whether a finding is about the name of a value, not the value: an unknown key, or one that is spelt wrongly."""
    key = pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    quoted = text[entry.value.start : entry.value.end].strip("\"'")
    return finding.code == UNKNOWN_KEY or (finding.why == f"found {key!r}" and quoted != key)


def _end(line: str | None, column: int | None) -> int | None:
    """Return the column behind the dotted name or quoted text that starts at a column, None if none does."""
    found = _WORD.match(line, column - 1) if line and column else None
    return found.end() + 1 if found else None


def _spanned(finding: Finding, file: str, *, pointer: str, text: Text, span: Span) -> Diagnostic:
    """Return the diagnostic of a span; of one that goes over several lines, its first line."""
    (line, column), (last_line, behind) = text.place(span.start), text.place(span.end)
    source = text.line(line) or ""
    end = behind if last_line == line else len(source.rstrip()) + 1
    return Diagnostic(
        finding,
        file,
        pointer=pointer,
        line=line,
        column=column,
        end_column=max(end, column + 1),
        source_line=source,
    )
