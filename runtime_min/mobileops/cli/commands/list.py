"""``mobileops list``: installed plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import states
from mobileops.runtime.receipts import Receipts

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("-q", "--quiet", action="store_true", help="names only")
    parser.json_option()
    parser.example("mobileops list --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line for each plugin, by name."""
    home = console.home()
    receipts = Receipts(home).all()
    state = states(home, [receipt.name for receipt in receipts])
    rows = [
        {
            "name": receipt.name,
            "version": receipt.version,
            "state": state[receipt.name]["state"],
            "type": receipt.type,
            "signer": receipt.signer.get("identity") or receipt.signer.get("key_hint"),
            "assurance": receipt.signer["assurance"],
        }
        for receipt in receipts
    ]
    if arguments.json:
        console.json(rows)
    elif arguments.quiet:
        for row in rows:
            console.print(row["name"])
    elif rows:
        console.table(
            ("NAME", "VERSION", "STATE", "TYPE", "SIGNER", "ASSURANCE"),
            [tuple(str(value) for value in row.values()) for row in rows],
        )
    else:
        console.note(f"nothing is installed in {home.root}")
    return 0
