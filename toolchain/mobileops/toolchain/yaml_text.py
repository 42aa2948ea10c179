"""Read plugin.yaml as JSON values, refusing every place where YAML means more than it seems to say.

No aliases and merge keys (a few nested ones expand without bound), no keys twice, and no plain scalar that is
anything but text, ``true``, ``false``, ``null`` or a JSON number: YAML 1.1 takes ``on`` for true, ``1_0`` for ten,
``2024-01-01`` for a date and ``1e3`` for text. Whoever means the text writes quotes.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from mobileops.errors import Finding
from mobileops.manifest.json_text import MAX_SAFE_INTEGER, finite_real, safe_integer

CODE: Final = "MOP1321"  # of the rule checks.rules.manifest_yaml
MAX_YAML_BYTES: Final = 1 << 17  # the parser is slow: this much takes about a second
MAX_DEPTH: Final = 64
MAX_DIGITS: Final = 40  # of a number

_REMOVE: Final = "write the character itself"
_COLLECTIONS: Final = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_TEXT: Final = "tag:yaml.org,2002:str"
_LITERALS: Final = {"true": True, "false": False, "null": None, "": None}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def loads(text: str, *, where: str) -> tuple[Any, tuple[Finding, ...]]:
    """Return the document and what is wrong with the text; with findings, the document is None."""
    if len(text.encode()) > MAX_YAML_BYTES:
        return None, (_finding(f"the file is larger than {MAX_YAML_BYTES} bytes", where, "write it as plugin.json"),)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        place = f"{where}:{error.problem_mark.line + 1}" if error.problem_mark else where
        return None, (_finding(f"not YAML: {error.problem}", place, "correct this line"),)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        return None, (_finding(f"not YAML: {reason}", where, "write plain YAML"),)
    reader = _Reader(where)
    document = reader.value(root, depth=0) if root else None
    return (None, tuple(reader.findings)) if reader.findings else (document, ())


class _Reader:
    """Turns nodes into values and collects what cannot be turned."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._seen: set[int] = set()
        self.findings: list[Finding] = []

    def value(self, node: yaml.Node, *, depth: int) -> Any:  # noqa: ANN401 - JSON
        if id(node) in self._seen:
            return self._object(node, "an alias repeats another part", "write the value again")
        self._seen.add(id(node))
        if depth > MAX_DEPTH:
            return self._object(node, f"nested deeper than {MAX_DEPTH}", "make it flatter")
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            return self._object(
                node, f"the tag {node.tag[:40]!r} asks for something that JSON cannot say", "remove the tag"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth=depth + 1) for item in node.value]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            self._seen.add(id(key))
            if key.tag != _TEXT:
                self._object(key, f"the key {str(key.value)[:40]!r} is not text", "write it in quotes")
            elif not _has_utf8(key.value):
                self._object(key, "this key holds an unpaired surrogate", _REMOVE)
            elif key.value in found:
                self._object(key, f"the key {key.value[:40]!r} occurs twice", "keep one of them")
            else:
                found[key.value] = self.value(value, depth=depth + 1)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> Any:  # noqa: ANN401 - JSON
        text = str(node.value)
        number = _NUMBER.fullmatch(text)
        if node.tag == _TEXT and not (number and node.style is None):
            return text if _has_utf8(text) else self._object(node, "this text holds an unpaired surrogate", _REMOVE)
        if text in _LITERALS:
            return _LITERALS[text]
        if number is None or len(text) > MAX_DIGITS or node.tag == _TEXT:
            fix = "write quotes around it if it is text, or a JSON number, true, false or null"
            return self._object(node, f"{text[:40]!r} means something else in YAML than it seems to", fix)
        try:
            return (finite_real if number[1] or number[2] else safe_integer)(text)
        except ValueError:
            return self._object(node, f"the number is beyond {MAX_SAFE_INTEGER}", "write it as a text, in quotes")

    def _object(self, node: yaml.Node, what: str, fix: str) -> None:
        """Note an objection to a node; its value is then of no use."""
        mark = node.start_mark
        self.findings.append(_finding(what, f"{self._where}:{mark.line + 1}:{mark.column + 1}", fix))


def _has_utf8(text: str) -> bool:
    """Whether a text can be written down: YAML lets an escape name half a character."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _finding(what: str, where: str, fix: str) -> Finding:
    why = "plugin.yaml is plugin.json with comments: it can say nothing that JSON cannot"
    return Finding(code=CODE, what=what, where=where, why=why, fix=fix)
