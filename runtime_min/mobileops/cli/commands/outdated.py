"""``mobileops outdated``: installed plugins of which there is a newer version that runs here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._installing import open_offers, resolver
from mobileops.manifest import Version
from mobileops.runtime.installation.resolver import Wish
from mobileops.runtime.receipts import Receipts

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.json_option()
    parser.example("mobileops outdated --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line for each, by name; nothing is changed."""
    home = console.home()
    found = open_offers(home, console, cwd=Path.cwd())
    chooser = resolver(home, found)
    rows = []
    for receipt in Receipts(home).all():
        newer = [one for one in chooser.newer(Wish(receipt.name)) if one.version > Version.parse(receipt.version)]
        if newer:
            best = newer[0]
            rows.append({
                "name": receipt.name,
                "installed": receipt.version,
                "newest": str(best.version),
                "from": best.repository,
                "held": receipt.held,
            })  # fmt: skip
    if arguments.json:
        console.json(rows)
    elif rows:
        table = [
            (row["name"], row["installed"], row["newest"], row["from"], "pinned" if row["held"] else "") for row in rows
        ]
        console.table(("NAME", "INSTALLED", "NEWEST", "FROM", ""), [tuple(map(str, row)) for row in table])
    else:
        console.note("nothing that is installed has a newer version")
    return 0
