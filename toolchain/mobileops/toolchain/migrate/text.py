"""A manifest as text that can be edited: comments, order of keys, indentation and line ends stay as they are.

Law: reading the text after ``insert(key, value)`` gives the document before with that one key more, and every line of
the text before is still there. `insert` checks the first half itself.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from mobileops import manifest
from mobileops.errors import ManifestError, MobileOpsError
from mobileops.manifest import json_text
from mobileops.toolchain import yaml_text

if TYPE_CHECKING:
    from collections.abc import Mapping

YAML_SUFFIX: Final = ".yaml"
_SPACE: Final = re.compile(r"[ \t\r\n]*")


@dataclasses.dataclass(frozen=True, slots=True)
class ManifestText:
    """The text of one manifest and what it says.

    Attributes:
        name: of the file, ``plugin.json`` or ``plugin.yaml``.
        text: its content.
        document: the value; always an object with a key at least.
    """

    name: str
    text: str
    document: Mapping[str, Any]

    def insert(self, key: str, value: str | int, *, after: str | None = None) -> ManifestText:
        """Return the text with one key more, at the top or behind another key.

        Args:
            key: that the document does not have.
            value: of it.
            after: a key of the document whose value is a scalar; None for the top.

        Raises:
            MobileOpsError: MOP7132, the place cannot be edited without changing something else.
        """
        edit = _insert_yaml if self.name.endswith(YAML_SUFFIX) else _insert_json
        try:
            edited = read(self.name, edit(self.text, json.dumps(value), key=key, after=after).encode("utf-8"))
        except ManifestError as error:
            raise self._uneditable(key, value) from error
        if edited.document != {**self.document, key: value}:
            raise self._uneditable(key, value)
        return edited

    def _uneditable(self, key: str, value: str | int) -> MobileOpsError:
        return MobileOpsError(
            f"{key!r} cannot be added without changing something else",
            code="MOP7132",
            where=self.name,
            why="the text is laid out in a way that this command does not know",
            fix=f"add {json.dumps(key)}: {json.dumps(value)} by hand",
        )


def read(name: str, data: bytes) -> ManifestText:
    """Return a manifest as text.

    Args:
        name: ``plugin.json`` or ``plugin.yaml``.
        data: content of the file.

    Raises:
        ManifestError: it is no strict JSON, or no YAML with one meaning, or no object with keys.
        MobileOpsError: MOP7135, it is no UTF-8.
    """
    if name.endswith(YAML_SUFFIX):
        document, findings = yaml_text.loads(_decoded(name, data), where=name)
        if findings:
            raise ManifestError(findings, where=name)
    else:
        document = json_text.loads(data, where=name)
    if not isinstance(document, dict) or not document:
        raise ManifestError(manifest.check(document, where=name), where=name)
    return ManifestText(name, _decoded(name, data), document)


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        fix = "save the file as UTF-8"
        raise MobileOpsError("the text is not UTF-8", code="MOP7135", where=name, why=str(error), fix=fix) from error


def _insert_json(text: str, value: str, *, key: str, after: str | None) -> str:
    """Repeat the white space before a key, so that the new key stands where that key stands."""
    start = text.index("{") + 1
    gap = _SPACE.match(text, start)
    space = gap[0] if gap else ""
    entry = f"{space}{json.dumps(key)}: {value}"
    if after is None:
        return f"{text[:start]}{entry},{space or ' '}{text[start + len(space) :]}"
    place = _end_of_json_value(text, start, after)
    return f"{text[:place]},{entry if space else ' ' + entry}{text[place:]}"


def _end_of_json_value(text: str, position: int, wanted: str) -> int:
    """Return where the value of a key of the outermost object ends, in a valid JSON text that has the key."""
    decoder = json.JSONDecoder()
    while True:
        key, position = decoder.raw_decode(text, _skip(text, position, ","))
        _, position = decoder.raw_decode(text, _skip(text, position, ":"))
        if key == wanted:
            return position


def _skip(text: str, position: int, separator: str) -> int:
    while text[position] in f" \t\r\n{separator}":
        position += 1
    return position


def _insert_yaml(text: str, value: str, *, key: str, after: str | None) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    if isinstance(root, yaml.MappingNode) and root.flow_style:
        start = pairs[0][0].start_mark.index
        return f'{text[:start]}"{key}": {value}, {text[start:]}'
    newline = "\r\n" if "\r\n" in text else "\n"
    first = pairs[0][0].start_mark
    line = f"{' ' * first.column}{key}: {value}{newline}"
    if after is None:
        start = first.index - first.column
        return f"{text[:start]}{line}{text[start:]}"
    end = next(node.end_mark for name, node in pairs if name.value == after).index
    stop = text.find("\n", end) + 1  # a comment behind the value belongs to its line
    return f"{text[:stop]}{line}{text[stop:]}" if stop else f"{text}{newline}{line}"
