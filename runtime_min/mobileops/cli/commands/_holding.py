"""What ``pin`` and ``unpin`` share: whether upgrades leave a plugin at its version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed
from mobileops.runtime.store import Store

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser, *, example: str) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example(example)


def change(arguments: argparse.Namespace, console: Console, *, held: bool) -> int:
    """Write down what is wanted; nothing is installed now."""
    home = console.home()
    receipt = installed(home, arguments.name)
    changed = Store(home).hold(receipt.name, held=held)
    if arguments.json:
        console.json({"name": receipt.name, "version": receipt.version, "pinned": held, "changed": changed})
    else:
        how = f"stays at {receipt.version}" if held else "is upgraded with the others"
        console.print(f"{receipt.name} {how}" + ("" if changed else ", as before"))
    return 0
