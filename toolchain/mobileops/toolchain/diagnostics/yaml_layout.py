"""Where the values of a YAML text stand, from the marks of its nodes."""

from __future__ import annotations

from typing import Final

import yaml

from mobileops.manifest.json_text import MAX_JSON_DEPTH
from mobileops.toolchain.diagnostics.layout import MAX_ENTRIES, Entry, Layout, Span, pointer_part

MAX_TEXT_CHARACTERS: Final = 1 << 17  # as the reader of plugin.yaml: the parser is slow


def scan(text: str) -> Layout:
    """Return where the values of a YAML text stand; of a text that is not YAML, nothing."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return Layout({}, complete=False)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return Layout({}, complete=False)
    entries: dict[str, Entry] = {}
    complete = root is None or _collect(root, entries)
    return Layout(entries, complete=complete)


def _collect(root: yaml.Node, entries: dict[str, Entry]) -> bool:
    """Note the place of every node; return False if some were left out."""
    pending: list[tuple[str, Span | None, yaml.Node, int]] = [("", None, root, 0)]
    seen: set[int] = set()
    while pending:
        pointer, key, node, depth = pending.pop()
        if id(node) in seen or depth > MAX_JSON_DEPTH or len(entries) >= MAX_ENTRIES:
            return False
        seen.add(id(node))
        entries[pointer] = Entry(_span(node), key)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if isinstance(name, yaml.ScalarNode):
                    pending.append((f"{pointer}/{pointer_part(str(name.value))}", _span(name), value, depth + 1))
        elif isinstance(node, yaml.SequenceNode):
            pending += [(f"{pointer}/{index}", None, item, depth + 1) for index, item in enumerate(node.value)]
    return True


def _span(node: yaml.Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index)
