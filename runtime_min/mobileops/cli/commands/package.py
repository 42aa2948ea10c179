"""``mobileops package``: build the reproducible bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands import _signers
from mobileops.cli.commands._sources import find_source
from mobileops.toolchain import pipeline

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.toolchain.sign import Signed


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument("--out", type=Path, help="folder for the bundle; default: dist/ in the plugin's folder")
    parser.add_argument(
        "--list", action="store_true", help="show what would go in and what would not, and why; build nothing"
    )
    parser.add_argument("--sign", action="store_true", help="sign it too, with its commit and build inputs")
    _signers.configure(parser)
    parser.json_option()
    parser.example("mobileops package my-plugin --sign")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Validate, then build; print the bundle's path and digest."""
    if not arguments.sign:
        _signers.refuse(arguments, unless="--sign")
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    if arguments.list:
        return _show_plan(source, arguments, console)
    packed, signed = _build(source, arguments, console)
    if arguments.json:
        facts: dict[str, object] = {
            "path": str(packed.path),
            "sha256": packed.sha256,
            "size_bytes": packed.size_bytes,
            "members": list(packed.members),
        }
        console.json({**facts, "signed": _signers.facts(signed)} if signed else facts)
    else:
        console.fields(
            {
                "bundle": str(packed.path),
                "sha256": packed.sha256,
                "size": f"{packed.size_bytes:,} bytes",
                "members": len(packed.members),
            }
        )
        if signed:
            _signers.show(signed, console)
        else:
            console.note(f"next: mobileops sign {packed.path}")
    return 0


def _build(source: Path, arguments: argparse.Namespace, console: Console) -> tuple[pipeline.Packed, Signed | None]:
    out = arguments.out or source / "dist"
    if not arguments.sign:
        return pipeline.package(source, out), None
    signer = _signers.choose(arguments, console, console.home())
    return pipeline.package_signed(source, out, signer=signer, environment=console.environment)


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
