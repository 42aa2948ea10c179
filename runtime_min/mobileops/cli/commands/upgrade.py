"""``mobileops upgrade``: install the newest versions that fit, all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._installing import Order, carry_out, open_offers, plan_options
from mobileops.cli.commands._manager import installed
from mobileops.errors import UsageError
from mobileops.runtime.installation.resolver import Wish
from mobileops.runtime.receipts import Receipts

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="every installed plugin")
    plan_options(parser)
    parser.example("mobileops upgrade --all --dry-run")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Choose versions that fit together, show what they change, and install them."""
    home = console.home()
    if bool(arguments.names) == arguments.all:
        raise UsageError(
            "name the plugins to upgrade, or say --all", code="MOP7003", fix="mobileops outdated lists what is older"
        )
    receipts = Receipts(home).all() if arguments.all else [installed(home, name) for name in arguments.names]
    for receipt in receipts:
        if receipt.held:
            console.note(f"{receipt.name} stays at {receipt.version}: mobileops unpin {receipt.name}")
    wishes = tuple(Wish(receipt.name) for receipt in receipts if not receipt.held)
    offers = open_offers(home, console, cwd=Path.cwd())
    return carry_out(Order(wishes, {}, offers), home, arguments, console)
