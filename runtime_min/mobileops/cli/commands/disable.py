"""``mobileops disable``: start a plugin no more by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed
from mobileops.runtime.supervision.autostart import Autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example("mobileops disable my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write it down; nothing is started or stopped now."""
    home = console.home()
    name = installed(home, arguments.name).name
    changed = Autostart(home).disable(name)
    if arguments.json:
        console.json({"name": name, "enabled": False, "changed": changed})
    else:
        console.print(f"{name} is not started with the plugin manager" + ("" if changed else ", as before"))
    return 0
