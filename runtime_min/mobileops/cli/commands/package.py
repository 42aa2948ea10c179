"""``mobileops package``: build the reproducible bundle."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands import _signers, _tree
from mobileops.cli.commands._sources import find_source
from mobileops.toolchain import pipeline
from mobileops.toolchain.pack import parse_target
from mobileops.toolchain.progress import Bar

if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

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
    parser.add_argument("--tree", action="store_true", help="the same as a tree")
    parser.add_argument("--stored", action="store_true", help="do not compress: the bytes then depend on no compressor")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="FILE",
        help="pack FILE although it holds a secret or is bytecode; the bundle records that",
    )
    parser.add_argument("--platform", help="for a bundle with native code: what it is for, like linux_aarch64-cp312")
    parser.add_argument("--sign", action="store_true", help="sign it too, with its commit and build inputs")
    _signers.configure(parser)
    parser.json_option()
    parser.example("mobileops package my-plugin --sign")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Validate, then build; print the bundle's path and digest."""
    if not arguments.sign:
        _signers.refuse(arguments, unless="--sign")
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    if arguments.list or arguments.tree:
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
    target = parse_target(arguments.platform) if arguments.platform else None
    choices = pipeline.Choices(stored=arguments.stored, allow=frozenset(arguments.allow), target=target)
    if not arguments.sign:
        with _watched(console) as progress:
            return pipeline.package(source, out, choices=choices, progress=progress), None
    signer = _signers.choose(arguments, console, console.home())
    with _watched(console) as progress:
        return pipeline.package_signed(
            source, out, signer=signer, environment=console.environment, choices=choices, progress=progress
        )


def _watched(console: Console) -> AbstractContextManager[Bar | None]:
    """Return a bar when a person looks at the error output, else nothing."""
    return Bar(console.stderr, label="packing") if console.stderr.isatty() else contextlib.nullcontext()


def _show_plan(source: Path, arguments: argparse.Namespace, console: Console) -> int:
    plan = pipeline.plan(source, allow=frozenset(arguments.allow))
    included = [planned.name for planned in plan.files]
    generated = pipeline.generated(plan)
    if arguments.json:
        pairs = {"generated": generated, "excluded": plan.excluded}
        console.json({"included": included, **{key: list(map(list, value)) for key, value in pairs.items()}})
        return 0
    if arguments.tree:
        for line in _tree.lines([*(name for name, _ in generated), *included], dict(plan.excluded)):
            console.print(line)
        return 0
    for name, what in generated:
        console.print(f"+ {name}  ({what})")
    for name in included:
        console.print(f"+ {name}")
    for name, reason in plan.excluded:
        console.print(f"- {name}  ({reason})")
    return 0
