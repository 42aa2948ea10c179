"""``mobileops stop``: stop a plugin."""

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
    parser.json_option()
    parser.example("mobileops stop my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Ask it to stop, wait for its stop timeout, then kill it."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = running(home, name)
    try:
        state = client.ask("stop", name=name)
    finally:
        client.close()
    if arguments.json:
        console.json(state)
    else:
        console.print(f"{name} is {state['state']}: {state['cause']}")
    return 0
