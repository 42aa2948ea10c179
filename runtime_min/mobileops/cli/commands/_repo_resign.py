"""``mobileops repo resign``: sign a repository anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import written

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("repository", nargs="?", metavar="NAME|FOLDER", help="which one; default: the local one")
    parser.add_argument("--if-due", action="store_true", help="only what is past half of its time, for a timer")
    parser.json_option()
    parser.example("mobileops repo resign /srv/plugins --if-due")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Sign; nothing else changes."""
    from mobileops.toolchain.repository.renewal import renew_if_due, resign  # noqa: PLC0415  a device may have no toolchain

    target = written(console.home(), arguments.repository)
    signed = True
    if arguments.if_due:
        signed = renew_if_due(target.folder, target.keys)
    else:
        resign(target.folder, target.keys)
    if arguments.json:
        console.json({"folder": str(target.folder), "signed": signed})
    else:
        console.print(f"{'signed' if signed else 'not yet time to sign'} the repository in {target.folder}")
    return 0
