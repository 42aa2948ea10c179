"""YAML with one meaning: the safe loader, without duplicate keys, keys that are no strings, or aliases.

Aliases are refused because a few nested ones expand without bound ("billion laughs"); keys like ``on`` and ``1_0``
because YAML 1.1 reads them as a boolean and a number.
"""

from __future__ import annotations

from typing import Any

import yaml


class _StrictLoader(yaml.SafeLoader):
    """The safe loader with the rules of this module."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases where they are used."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        return super().compose_node(parent, index)

    # The base class fixes the shape of this method.
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Refuse keys that are no strings, and keys that occur twice."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.YAMLError(f"the key {key!r} is not a string (line {key_node.start_mark.line + 1})")
            if key in seen:
                raise yaml.YAMLError(f"the key {key!r} occurs twice (line {key_node.start_mark.line + 1})")
            seen.add(key)
        return super().construct_mapping(node, deep)


def load(text: str) -> object:
    """Return the one document in `text` as plain values.

    Raises:
        yaml.YAMLError: the text is not YAML, or breaks a rule of this module.
    """
    return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of SafeLoader
