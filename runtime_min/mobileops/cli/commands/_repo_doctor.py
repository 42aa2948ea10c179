"""``mobileops repo doctor``: whether a repository is whole, and when it expires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import written
from mobileops.errors import EXIT_FAILURE

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("repository", nargs="?", metavar="NAME|FOLDER", help="which one; default: the local one")
    parser.json_option()
    parser.example("mobileops repo doctor /srv/plugins")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read every file that counts, and say what is wrong; that is exit 1."""
    from mobileops.toolchain.repository.health import examine  # noqa: PLC0415  a device may have no toolchain

    target = written(console.home(), arguments.repository)
    health = examine(target.folder, target.keys)
    if arguments.json:
        console.json({"folder": str(target.folder), **health._asdict()})
    else:
        for problem in health.problems:
            console.print(problem)
        console.print(
            f"{health.plugins} plugins, {health.versions} versions, {health.bytes} bytes; "
            f"expires {health.expires}, this account {'can' if health.writable else 'cannot'} sign it"
        )
    return EXIT_FAILURE if health.problems else 0
