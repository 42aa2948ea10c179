"""The entry point is a readable file inside the plugin's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1322"


def check(source: Source) -> Iterator[Finding]:
    """Yield one finding if the file that ``entry_point`` names cannot be read."""
    name = source.text_of("entry_point")
    if name is None:
        return
    text = source.read(name)
    if isinstance(text, Unreadable):
        yield Finding(
            code=CODE,
            what=f"entry point {name!r} {text.reason}",
            where=f"{source.manifest_name}#/entry_point",
            why="the platform loads the plugin from this file, and only files of the folder go into the bundle",
            fix="name a .py file of the plugin's folder, like 'main.py'",
        )
