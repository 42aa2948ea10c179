"""A name that the plugin's class passes to super().__init__() is the manifest's name."""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import python_file
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.python_file import Unparsable
from mobileops.toolchain.checks.spot import spot_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source
    from mobileops.toolchain.checks.spot import Spot

CODE: Final = "MOP1325"
MAX_CALLS: Final = 20  # looked at; one is usual


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding for each different name, with the place in the code and the place in the manifest."""
    entry_point, name = source.text_of("entry_point"), source.text_of("name")
    if entry_point is None or name is None:
        return
    tree = source.python(entry_point)
    if isinstance(tree, Unreadable | Unparsable):
        return  # other rules say so
    for passed, spot in itertools.islice(_names_passed(tree), MAX_CALLS):
        if passed != name:
            yield Finding(
                code=CODE,
                what=f"the code calls this plugin {passed[:80]!r}, {source.place_of('name')} calls it {name!r}",
                where=source.where(entry_point, spot),
                why="the manifest's name is the plugin's identity; another one in the code only confuses",
                fix=f"write super().__init__(name={name!r})",
                severity="warning",  # the mission's own example does it, and the manifest decides anyway
            )


def _names_passed(tree: ast.Module) -> Iterator[tuple[str, Spot]]:
    """Yield the constant strings passed as name to ``super().__init__`` inside plugin classes, with their places."""
    for found in python_file.plugin_classes(tree):
        for node in ast.walk(found.node):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"),
                    args=args,
                    keywords=keywords,
                ):
                    candidates = [*args[:1], *(keyword.value for keyword in keywords if keyword.arg == "name")]
                    for value in candidates:
                        if isinstance(value, ast.Constant) and isinstance(value.value, str):
                            yield value.value, spot_of(value)
