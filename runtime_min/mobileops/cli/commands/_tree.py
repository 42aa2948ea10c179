"""Draw what goes into a bundle as a tree, and what does not with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def lines(included: Iterable[str], excluded: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the tree.

    Args:
        included: relative POSIX paths.
        excluded: relative POSIX path -> why it stays out; a folder ends with a slash and has nothing below it.
    """
    root: dict[str, dict] = {}  # type: ignore[type-arg]  # a tree of names has no finite type
    for name in (*included, *excluded):
        node = root
        *folders, last = name.rstrip("/").split("/")
        for folder in folders:
            node = node.setdefault(f"{folder}/", {})
        node.setdefault(f"{last}/" if name.endswith("/") else last, {})
    yield from _below(root, "", "", excluded)


def _below(node: dict[str, dict], path: str, indent: str, excluded: Mapping[str, str]) -> Iterator[str]:  # type: ignore[type-arg]  # likewise
    for position, (name, children) in enumerate(sorted(node.items()), start=1):
        last = position == len(node)
        reason = excluded.get(f"{path}{name}")
        note = "" if reason is None else f"  (not packed: {reason})"
        yield f"{indent}{'└── ' if last else '├── '}{name}{note}"
        yield from _below(children, f"{path}{name}", indent + ("    " if last else "│   "), excluded)
