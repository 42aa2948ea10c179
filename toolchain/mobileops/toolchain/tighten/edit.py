"""Write another list of permissions into a manifest's text, and the reasons with it; everything else stays.

A reason belongs to a permission by its text: one that is narrowed passes its reason on, one that is dropped takes it
along. Law: reading the edited text gives the document before with those two values in place of the old ones.
`replaced` checks it.
"""

from __future__ import annotations

import difflib
import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import ManifestError, MobileOpsError
from mobileops.toolchain.diagnostics import places
from mobileops.toolchain.diagnostics.layout import Span, pointer_part
from mobileops.toolchain.migrate import text as manifest_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.toolchain.diagnostics.layout import Entry

LIST: Final = "permissions"
REASONS: Final = "permission_reasons"
#: A part of the new text: which old part it comes from, if from one, and how it is written.
_Part = tuple[int | None, str]


def replaced(name: str, text: str, *, permissions: Sequence[str], became: Mapping[str, Sequence[str]]) -> str:
    """Return the text of a manifest with these permissions.

    Args:
        name: ``plugin.json`` or ``plugin.yaml``.
        text: of the whole file.
        permissions: what to write.
        became: permission as it is written now -> those that take its place.

    Raises:
        MobileOpsError: MOP4323, the place cannot be edited without changing something else.
    """
    before = manifest_text.read(name, text.encode()).document
    wanted: dict[str, Any] = {**before, LIST: list(permissions)}
    if REASONS in before:
        wanted[REASONS] = _reasons(before[REASONS], became)
    try:
        edited = _with_list(name, text, list(permissions))
        if wanted.get(REASONS) != before.get(REASONS):
            edited = _with_reasons(name, edited, before[REASONS], became)
        after = manifest_text.read(name, edited.encode()).document
    except (ManifestError, LookupError) as error:
        raise _uneditable(name, permissions) from error
    if after != wanted:
        raise _uneditable(name, permissions)
    return edited


def _reasons(before: Mapping[str, str], became: Mapping[str, Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, reason in before.items():
        for new in became.get(key, (key,)):
            found.setdefault(new, reason)
    return found


def _with_list(name: str, text: str, wanted: list[str]) -> str:
    entries = places.layout_of(name, text).entries
    count = sum(pointer.startswith(f"/{LIST}/") for pointer in entries)
    items = [entries[f"/{LIST}/{index}"].value for index in range(count)]
    old = [text[item.start : item.end].strip("\"'") for item in items]
    parts: list[_Part] = []
    for tag, first, last, low, high in difflib.SequenceMatcher(None, old, wanted, autojunk=False).get_opcodes():
        if tag == "equal":
            parts += [(index, text[items[index].start : items[index].end]) for index in range(first, last)]
        else:
            parts += [(None, _quoted(one, like=text[items[0].start])) for one in wanted[low:high]]
    return _rewritten(text, entries[f"/{LIST}"], items, parts)


def _with_reasons(name: str, text: str, before: Mapping[str, str], became: Mapping[str, Sequence[str]]) -> str:
    entries = places.layout_of(name, text).entries
    items: list[Span] = []
    parts: list[_Part] = []
    seen: set[str] = set()
    for index, key in enumerate(before):
        entry = entries[f"/{REASONS}/{pointer_part(key)}"]
        if entry.key is None:
            raise LookupError(key)
        items.append(Span(entry.key.start, entry.value.end))
        for new in became.get(key, (key,)):
            if new not in seen:
                seen.add(new)
                parts.append((index, _quoted(new, like=text[entry.key.start]) + text[entry.key.end : entry.value.end]))
    return _rewritten(text, entries[f"/{REASONS}"], items, parts)


def _quoted(text: str, *, like: str) -> str:
    """Return a text as JSON and YAML both read it; without quotes where the author has none."""
    return json.dumps(text, ensure_ascii=False) if like in "\"'" or ": " in text or " #" in text else text


def _rewritten(text: str, container: Entry, items: Sequence[Span], parts: Sequence[_Part]) -> str:
    """Return the text with other parts in an array, an object, or a block sequence or mapping of YAML."""
    around, first = container.value, items[0]
    opening = text[around.start]
    if opening in "[{":
        empty = opening + ("]" if opening == "[" else "}")
        head, tail = text[around.start : first.start], text[items[-1].end : around.end]
        between = text[first.end : items[1].start] if len(items) > 1 else f",{head[1:] or ' '}"
        inner = f"{head}{between.join(part for _, part in parts)}{tail}" if parts else empty
        return f"{text[: around.start]}{inner}{text[around.end :]}"
    return _block(text, container, items, parts)


def _block(text: str, container: Entry, items: Sequence[Span], parts: Sequence[_Part]) -> str:
    """Rewrite whole lines; a part that comes from an old one keeps the lines around it, comments included."""
    start = text.rfind("\n", 0, items[0].start) + 1
    ends = [text.find("\n", item.end) + 1 or len(text) for item in items]
    if not parts:
        key_end = container.key.end if container.key else start
        return f"{text[:key_end]}: {'[]' if text[start:].lstrip().startswith('-') else '{}'}\n{text[ends[-1] :]}"
    lead = text[start : items[0].start]
    newline = "\r\n" if "\r\n" in text else "\n"
    chunks = list(itertools.pairwise([start, *ends]))
    lines: list[str] = []
    taken: set[int] = set()
    for index, part in parts:
        if index is None or index in taken:
            lines.append(f"{lead}{part}{newline}")
        else:
            taken.add(index)
            lines.append(text[chunks[index][0] : items[index].start] + part + text[items[index].end : chunks[index][1]])
    return f"{text[:start]}{''.join(lines)}{text[ends[-1] :]}"


def _uneditable(name: str, permissions: Sequence[str]) -> MobileOpsError:
    return MobileOpsError(
        "the permissions cannot be changed without changing something else",
        code="MOP4323",
        where=name,
        why="the text is laid out in a way that this command does not know",
        fix=f"write them by hand: {json.dumps(list(permissions), ensure_ascii=False)}",
    )
