"""``mobileops start``: start a plugin in its sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import debug_wanted, installed, started, tell_debug_mode
from mobileops.runtime.store.autostart import Autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("--enable", action="store_true", help="and whenever the plugin manager starts")
    parser.json_option()
    parser.example("mobileops start my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Start it and wait until it is ready. MOBILEOPS_PLUGIN_DEBUG=1 starts it in debug mode."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = started(home)
    try:
        state = client.ask("start", name=name, debug=debug_wanted(console))
    finally:
        client.close()
    if arguments.enable:
        Autostart(home).enable(name)
    tell_debug_mode(state, console)
    if arguments.json:
        console.json(state)
        return 0
    console.print(
        f"{name} {state['version']} is running (pid {state['pid']}), methods: {', '.join(state['methods']) or 'none'}"
    )
    return 0
