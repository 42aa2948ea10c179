"""``mobileops panel``: what a running plugin shows in one panel, widget or theme, ready to be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed, running

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("panel", help="name of a panel, widget or theme in the plugin's manifest")
    parser.add_argument(
        "--timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="wait this long for the plugin's method (default: 30)",
    )
    parser.example("mobileops panel my-plugin overview")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Ask for it and print it as JSON; a plugin without the permission ui.render is not asked."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = running(home, name)
    try:
        console.json(client.ask("panel", name=name, panel=arguments.panel, deadline_s=arguments.timeout))
    finally:
        client.close()
    return 0
