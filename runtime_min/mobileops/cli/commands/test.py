"""``mobileops test``: run a plugin's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.toolchain.pipeline import testing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.example("mobileops test my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the tests in a process of their own and show what they print."""
    source = find_source(arguments.plugin, console.home(), cwd=Path.cwd())
    outcome = testing.test(source)
    console.print(outcome.output.rstrip())
    console.note(f"{source.name}: {outcome.summary}")
    return 0 if outcome.returncode == 0 else 1
