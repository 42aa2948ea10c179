"""``validate --fix``: correct what has exactly one safe correction, as edits of the text, and nothing else.

A byte order mark, comments and trailing commas in JSON, a missing line end at the end, a permission listed twice, and a
key that can only be a misspelling of one free key. The author's order, indentation and line ends stay. Laws::

    repaired(repaired(text)) == repaired(text)
    repaired(text) has no finding that text has not, except those that the mistake hid
"""

from __future__ import annotations

import collections
import dataclasses
import difflib
import stat
from typing import TYPE_CHECKING, Any, Final

from mobileops import manifest
from mobileops.errors import HostFault, ManifestError
from mobileops.manifest import json_text
from mobileops.runtime import durable
from mobileops.toolchain import yaml_text
from mobileops.toolchain.checks import files, source
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.diagnostics import folding, places
from mobileops.toolchain.diagnostics.excerpt import visible
from mobileops.toolchain.diagnostics.layout import Layout, Span, pointer_part
from mobileops.toolchain.spec import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mobileops.errors import Finding

CODE_WRITE: Final = "MOP8020"
MAX_ROUNDS: Final = 20  # a correction can bring a hidden mistake to light

_NEAR: Final = 0.7  # as the suggestions of mobileops.manifest
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclasses.dataclass(frozen=True, slots=True)
class Repair:
    """The text of a manifest before and after.

    Attributes:
        name: of the file.
        before: as it is on disk.
        after: corrected; the same if there is nothing to correct.
    """

    name: str
    before: str
    after: str

    def diff(self) -> str:
        """Return a unified diff for a terminal, empty if nothing changes; line ends and controls are not in it."""
        old, new = (_visible_lines(text) for text in (self.before, self.after))
        lines = difflib.unified_diff(old, new, f"a/{self.name}", f"b/{self.name}")
        marked = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        return "".join(marked)


def _visible_lines(text: str) -> list[str]:
    """Return the lines of a text as they may be shown on a terminal."""
    lines = text.split("\n")
    ends = ["\n"] * (len(lines) - 1) + [""]
    shown = (visible(line.removesuffix("\r")) + end for line, end in zip(lines, ends, strict=True))
    return [line for line in shown if line]


@dataclasses.dataclass(frozen=True, slots=True)
class _Edit:
    """Put a text in place of a span."""

    span: Span
    text: str = ""


def plan(folder: Path, *, manifest_name: str | None = None) -> Repair | None:
    """Return the correction of a folder's manifest, None if it is no readable UTF-8 file.

    Args:
        folder: where it is.
        manifest_name: of the manifest, if it is not called as usual.
    """
    name = source.Source(folder, manifest_name=manifest_name).manifest_name
    content = files.read_bytes(folder, name)
    if isinstance(content, Unreadable):
        return None
    try:
        before = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Repair(name, before, repaired(before, name=name))


def write(folder: Path, repair: Repair) -> None:
    """Replace the manifest by its correction, whole or not at all; its mode stays.

    Raises:
        HostFault: it cannot be written (``MOP8020``).
    """
    path = folder / repair.name
    try:
        durable.write(path, repair.after.encode(), mode=stat.S_IMODE(path.lstat().st_mode))
    except OSError as error:
        raise HostFault(
            f"cannot write {repair.name!r}: {error.strerror}",
            code=CODE_WRITE,
            where=str(path),
            fix="make the folder writable, or correct the manifest by hand",
        ) from error


def repaired(text: str, *, name: str) -> str:
    """Return the corrected text of a manifest.

    Args:
        text: of the whole file.
        name: ``plugin.json`` or ``plugin.yaml``.
    """
    for _ in range(MAX_ROUNDS):
        changed = _round(text, name)
        if changed == text:
            break
        text = changed
    return text


def _round(text: str, name: str) -> str:
    """Return the text with one kind of mistake less."""
    if text.startswith(_BYTE_ORDER_MARK):
        return text.removeprefix(_BYTE_ORDER_MARK)
    layout = places.layout_of(name, text)
    if not layout.complete:
        return text  # what cannot be read is not touched
    if layout.comments or layout.commas:
        return _edited(text, [*(_without_comment(text, span) for span in layout.comments), *map(_Edit, layout.commas)])
    if text and not text.endswith("\n"):
        return text + ("\r\n" if "\r\n" in text else "\n")
    document, findings = _checked(text, name)
    if document is None:
        return text
    # With what misspelt keys hide, so that bringing it to light does not count as making it worse.
    known = folding.fold(findings, document, where=name, judge=lambda other: manifest.check(other, where=name))
    changed = _edited(text, _corrections(text, layout, known, document))
    _, remaining = _checked(changed, name)
    return changed if len(remaining) < len(known) else text


def _checked(text: str, name: str) -> tuple[Any, tuple[Finding, ...]]:
    """Return the document and what is wrong with it; None if the text cannot be read strictly."""
    if name.endswith(source.YAML_SUFFIXES):
        document, findings = yaml_text.loads(text, where=name)
    else:
        try:
            document, findings = json_text.loads(text.encode("utf-8", "replace"), where=name), ()
        except ManifestError as error:
            return None, error.findings
    return document, findings or manifest.check(document, where=name)


def _corrections(text: str, layout: Layout, findings: tuple[Finding, ...], document: object) -> Iterator[_Edit]:
    """Yield the edits for repeated permissions and misspelt keys."""
    for finding in findings:
        pointer = finding.where.partition("#")[2]
        if finding.code == manifest.REPEATED and pointer.startswith("/permissions/"):
            yield from _without_item(text, layout, pointer)
    changes = dict(folding.renames(findings, document))
    wishes = collections.Counter(
        (wish[0], wish[2]) for finding in findings if (wish := folding.suggested_key(finding)) is not None
    )
    for (parent, key), meant in changes.items():
        entry = layout.entries.get(f"{parent}/{pointer_part(key)}")
        around = folding.value_at(document, parent)
        taken = {
            *(around if isinstance(around, dict) else ()),
            *(other for other in changes.values() if other != meant),
        }
        if entry and entry.key and wishes[parent, meant] == 1 and _only_candidate(key, meant, taken):
            old = text[entry.key.start : entry.key.end]
            quote = old[0] if old[:1] in {'"', "'"} else ""
            yield _Edit(entry.key, f"{quote}{meant}{quote}")


def _without_item(text: str, layout: Layout, pointer: str) -> Iterator[_Edit]:
    """Yield the edit that takes an item, not the first, out of an array with the comma or line before it."""
    array, _, index = pointer.rpartition("/")
    item, previous = layout.entries.get(pointer), layout.entries.get(f"{array}/{int(index) - 1}")
    if item and previous and "#" not in text[previous.value.end : item.value.start]:  # an author's comment stays
        yield _Edit(Span(previous.value.end, item.value.end))


def _only_candidate(key: str, meant: str, taken: set[str]) -> bool:
    """Whether no object of the schema that has the suggested key has another near one that is still free."""
    near = {
        tuple(difflib.get_close_matches(key.casefold(), sorted(names - taken), n=2, cutoff=_NEAR))
        for names in _objects(load.plugin_schema())
        if meant in names
    }
    return near == {(meant,)}


def _objects(schema: object) -> Iterator[set[str]]:
    """Yield the keys of every object that a schema describes."""
    pending: list[object] = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if isinstance(part.get("properties"), dict):
                yield set(part["properties"])
            pending += part.values()
        elif isinstance(part, list):
            pending += part


def _without_comment(text: str, span: Span) -> _Edit:
    """Return the edit that removes a comment: its whole lines if it stands alone, else with the blanks before it."""
    start = span.start
    while start and text[start - 1] in " \t":
        start -= 1
    alone = start == 0 or text[start - 1] == "\n"
    end = span.end
    if text[end - 1] == "\r":
        end -= 1  # the line end stays whole
    behind = text[end : end + 2]
    if alone and behind.startswith(("\n", "\r\n")):
        end += 2 if behind == "\r\n" else 1
    return _Edit(Span(start, end))


def _edited(text: str, edits: Iterable[_Edit]) -> str:
    """Return the text with edits that do not overlap; of two that do, the later one waits for the next round."""
    position, parts = 0, []
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        if edit.span.start >= position:
            parts += [text[position : edit.span.start], edit.text]
            position = edit.span.end
    return "".join([*parts, text[position:]])
