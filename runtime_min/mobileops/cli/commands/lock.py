"""``mobileops lock``: resolve dependencies into a hashed requirements.txt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.pack import lock

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.example("mobileops lock my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write requirements.txt from the manifest's dependencies."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    path = lock(source)
    console.print(str(path))
    return 0
