"""``mobileops restart``: stop a plugin and start it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import debug_wanted, installed, started, tell_debug_mode

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example("mobileops restart my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Stop it if it runs, then start it; calls fail in between, other than with reload."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = started(home)
    try:
        state = client.ask("restart", name=name, debug=debug_wanted(console))
    finally:
        client.close()
    tell_debug_mode(state, console)
    if arguments.json:
        console.json(state)
    else:
        console.print(f"{name} {state['version']} is {state['state']} (pid {state['pid']})")
    return 0
