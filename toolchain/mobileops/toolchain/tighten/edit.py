"""Write another list of permissions into a manifest's text; everything else stays, to the byte.

Law: reading the edited text gives the document before with that list in place of the old one. `replaced` checks it.
"""

from __future__ import annotations

import difflib
import itertools
import json
from typing import TYPE_CHECKING, Final

from mobileops.errors import ManifestError, MobileOpsError
from mobileops.toolchain.diagnostics import places
from mobileops.toolchain.migrate import text as manifest_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.manifest import Permission
    from mobileops.toolchain.diagnostics.layout import Entry, Span

_KEY: Final = "/permissions"


def replaced(name: str, text: str, permissions: Sequence[Permission]) -> str:
    """Return the text of a manifest with these permissions.

    Args:
        name: ``plugin.json`` or ``plugin.yaml``.
        text: of the whole file, with a list of permissions that is not empty.
        permissions: what to write.

    Raises:
        MobileOpsError: MOP4323, the place cannot be edited without changing something else.
    """
    wanted = [str(one) for one in permissions]
    entries = places.layout_of(name, text).entries
    before = manifest_text.read(name, text.encode())
    edited = _edited(text, entries, wanted) if f"{_KEY}/0" in entries else text
    try:
        after = manifest_text.read(name, edited.encode())
    except ManifestError as error:
        raise _uneditable(name, wanted) from error
    if after.document != {**before.document, "permissions": wanted}:
        raise _uneditable(name, wanted)
    return edited


def _edited(text: str, entries: Mapping[str, Entry], wanted: Sequence[str]) -> str:
    array, items = entries[_KEY].value, _items(entries)
    if text[array.start] != "[":
        return _block(text, entries, wanted)
    if not wanted:
        return f"{text[: array.start]}[]{text[array.end :]}"
    opening, closing = text[array.start : items[0].start], text[items[-1].end : array.end]
    between = text[items[0].end : items[1].start] if len(items) > 1 else f",{opening[1:] or ' '}"
    listed = between.join(json.dumps(one, ensure_ascii=False) for one in wanted)
    return f"{text[: array.start]}{opening}{listed}{closing}{text[array.end :]}"


def _block(text: str, entries: Mapping[str, Entry], wanted: Sequence[str]) -> str:
    """Rewrite the lines of a block sequence of YAML; an item that stays keeps its lines, comments included."""
    array, items = entries[_KEY], _items(entries)
    start = text.rfind("\n", 0, items[0].start) + 1
    ends = [text.find("\n", item.end) + 1 or len(text) for item in items]
    if not wanted:
        key_end = array.key.end if array.key else array.value.start
        return f"{text[:key_end]}: []\n{text[ends[-1] :]}"
    chunks = [text[first:last] for first, last in itertools.pairwise([start, *ends])]
    lead = text[start : items[0].start]
    newline = "\r\n" if "\r\n" in text else "\n"
    old = [text[item.start : item.end].strip("\"'") for item in items]
    written: list[str] = []
    for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, wanted, False).get_opcodes():  # noqa: FBT003
        new = [f"{lead}{one}{newline}" for one in wanted[new_first:new_last]]
        written += chunks[first:last] if tag == "equal" else new
    return f"{text[:start]}{''.join(written)}{text[ends[-1] :]}"


def _items(entries: Mapping[str, Entry]) -> list[Span]:
    count = sum(pointer.startswith(f"{_KEY}/") for pointer in entries)
    return [entries[f"{_KEY}/{index}"].value for index in range(count)]


def _uneditable(name: str, wanted: Sequence[str]) -> MobileOpsError:
    return MobileOpsError(
        "the permissions cannot be changed without changing something else",
        code="MOP4323",
        where=name,
        why="the text is laid out in a way that this command does not know",
        fix=f"write them by hand: {json.dumps(list(wanted), ensure_ascii=False)}",
    )
