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
    parser.add_argument(
        "--force", action="store_true", help="although its pre_stop hook says no, or other plugins need it"
    )
    parser.json_option()
    parser.example("mobileops stop my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Ask it to stop, wait for its stop timeout, then kill it."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = running(home, name)
    try:
        state = client.ask("stop", name=name, force=arguments.force)
    finally:
        client.close()
    if arguments.json:
        console.json(state)
    else:
        console.print(f"{name} is {state['state']}: {state['cause']}")
    return 0
