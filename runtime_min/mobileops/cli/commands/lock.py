"""``mobileops lock``: resolve dependencies into a hashed requirements.txt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.pack import lock, parse_target

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.toolchain.pack import Locked


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument(
        "--platform",
        action="append",
        default=[],
        help="lock for this one, like linux_aarch64 (may be repeated); default: every one that has wheels",
    )
    parser.add_argument(
        "--allow-sdist", action="store_true", help="build packages without wheels from source, which runs their code"
    )
    parser.json_option()
    parser.example("mobileops lock my-plugin --platform linux_aarch64")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write requirements.txt from the manifest's dependencies."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    platforms = [parse_target(word).platform for word in arguments.platform]
    locked = lock(source, platforms=platforms, allow_sdist=arguments.allow_sdist)
    missing = [{"name": one.name, "version": one.version, "target": str(one.target)} for one in locked.missing]
    if arguments.json:
        console.json({"path": str(locked.path), "targets": [str(one) for one in locked.targets], "missing": missing})
        return 0
    console.document(str(locked.path))
    _explain(locked, console)
    return 0


def _explain(locked: Locked, console: Console) -> None:
    """Say which of the declared targets the lock is not for, and because of what."""
    names: dict[str, list[str]] = {}
    for one in locked.missing:
        names.setdefault(str(one.target), []).append(f"{one.name} {one.version}")
    for target, packages in names.items():
        console.note(f"not for {target}: no wheel of {', '.join(packages)}")
