"""``mobileops package``: build the reproducible bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain import pipeline

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument("--out", type=Path, help="folder for the bundle; default: dist/ in the plugin's folder")
    parser.add_argument(
        "--list", action="store_true", help="show what would go in and what would not, and why; build nothing"
    )
    parser.json_option()
    parser.example("mobileops package my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Validate, then build; print the bundle's path and digest."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    if arguments.list:
        return _show_plan(source, arguments, console)
    packed = pipeline.package(source, arguments.out or source / "dist")
    if arguments.json:
        console.json(
            {
                "path": str(packed.path),
                "sha256": packed.sha256,
                "size_bytes": packed.size_bytes,
                "members": list(packed.members),
            }
        )
    else:
        console.fields(
            {
                "bundle": str(packed.path),
                "sha256": packed.sha256,
                "size": f"{packed.size_bytes:,} bytes",
                "members": len(packed.members),
            }
        )
        console.note(f"next: mobileops sign {packed.path}")
    return 0


def _show_plan(source: Path, arguments: argparse.Namespace, console: Console) -> int:
    plan = pipeline.plan(source)
    included, excluded = (
        [planned.name for planned in plan.files],
        [[str(name), reason] for name, reason in plan.excluded],
    )
    if arguments.json:
        console.json({"included": included, "excluded": excluded})
        return 0
    for name in included:
        console.print(f"+ {name}")
    for name, reason in excluded:
        console.print(f"- {name}  ({reason})")
    return 0
