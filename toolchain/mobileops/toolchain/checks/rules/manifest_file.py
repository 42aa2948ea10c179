"""The folder has one manifest, plugin.json or plugin.yaml, and it is a readable file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable
from mobileops.toolchain.checks.source import JSON_NAME, YAML_NAME, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE: Final = "MOP1320"


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding if the manifest is absent, doubled, or not a file."""
    if not source.alone and all(files.exists(source.folder, name) for name in (JSON_NAME, YAML_NAME)):
        yield Finding(
            code=CODE,
            what=f"the folder has both {JSON_NAME} and {YAML_NAME}",
            where=YAML_NAME,
            why="a plugin has one manifest, or two readers see two plugins",
            fix="remove one of them",
        )
    content = source.read(source.manifest_name)
    if isinstance(content, Unreadable):
        yield Finding(
            code=CODE,
            what=f"{source.manifest_name} {content.reason}",
            where=source.manifest_name,
            why="the manifest says what a plugin is; a folder without one is none",
            fix=f"name the folder that has {JSON_NAME} in it, or make one with 'mobileops create-template'",
        )
