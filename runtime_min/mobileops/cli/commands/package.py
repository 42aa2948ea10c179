"""``mobileops package``: build the reproducible bundle."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands import _signing_options, _tree
from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.pipeline import building
from mobileops.toolchain.progress import Bar

if TYPE_CHECKING:
    import argparse
    from contextlib import AbstractContextManager

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


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
    _signing_options.configure(parser)
    parser.json_option()
    parser.example("mobileops package my-plugin --sign")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Validate, then build; print the bundle's path and digest."""
    if not arguments.sign:
        _signing_options.refuse(arguments, unless="--sign")
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    if arguments.list or arguments.tree:
        return _show_plan(source, arguments, console)
    out = arguments.out or source / "dist"
    choices = _choices(arguments)
    if arguments.sign:
        return _package_signed(source, out, choices, arguments, console)
    with _watched(console) as progress:
        packed = building.package(source, out, choices=choices, progress=progress)
    if arguments.json:
        console.json(_facts(packed))
    else:
        _show(packed, console)
        console.note(f"next: mobileops sign {packed.path}")
    return 0


def _choices(arguments: argparse.Namespace) -> building.Choices:
    target = None
    if arguments.platform:
        from mobileops.toolchain.pack import parse_target  # noqa: PLC0415 - few bundles have native code

        target = parse_target(arguments.platform)
    return building.Choices(stored=arguments.stored, allow=frozenset(arguments.allow), target=target)


def _package_signed(
    source: Path, out: Path, choices: building.Choices, arguments: argparse.Namespace, console: Console
) -> int:
    from mobileops.cli.commands import _signers  # noqa: PLC0415 - what signs costs more than packing a small plugin
    from mobileops.toolchain.pipeline import signing  # noqa: PLC0415 - likewise

    signer = _signers.choose(arguments, console, console.home())
    with _watched(console) as progress:
        packed, signed = signing.package_signed(
            source, out, signer=signer, environment=console.environment, choices=choices, progress=progress
        )
    if arguments.json:
        console.json({**_facts(packed), "signed": _signers.facts(signed)})
    else:
        _show(packed, console)
        _signers.show(signed, console)
    return 0


def _facts(packed: building.Packed) -> dict[str, object]:
    return {
        "path": str(packed.path),
        "sha256": packed.sha256,
        "size_bytes": packed.size_bytes,
        "members": list(packed.members),
    }


def _show(packed: building.Packed, console: Console) -> None:
    fields = {"size": f"{packed.size_bytes:,} bytes", "members": len(packed.members)}
    console.fields({"bundle": str(packed.path), "sha256": packed.sha256, **fields})


def _watched(console: Console) -> AbstractContextManager[Bar | None]:
    """Return a bar when a person looks at the error output, else nothing."""
    return Bar(console.stderr, label="packing") if console.stderr.isatty() else contextlib.nullcontext()


def _show_plan(source: Path, arguments: argparse.Namespace, console: Console) -> int:
    plan = building.plan(source, allow=frozenset(arguments.allow))
    included = [planned.name for planned in plan.files]
    generated = building.generated(plan)
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
