"""``mobileops quickstart``: the whole chain in a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.errors import HostFault
from mobileops.toolchain.quickstart import Quickstart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--in",
        dest="parent",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="make the new folder here (default: the current directory)",
    )
    parser.example("mobileops quickstart")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run every step and show the command a person would type for it."""

    def show(line: str) -> None:
        console.print(line)
        console.stdout.flush()

    try:
        Quickstart(arguments.parent.resolve(), show=show, environment=console.environment).run()
    except OSError as error:
        raise HostFault(
            f"the quickstart cannot work here: {error.strerror or error}",
            code="MOP8004",
            where=error.filename and str(error.filename),
            fix="change to a folder that this account may write, or name one with --in",
        ) from error
    return 0
