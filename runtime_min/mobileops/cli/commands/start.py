"""``mobileops start``: start a plugin in its sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed, started

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example("mobileops start my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Start it and wait until it is ready. MOBILEOPS_PLUGIN_DEBUG=1 adds remote tracebacks to errors."""
    home = console.home()
    name = installed(home, arguments.name).name
    debug = console.environment.get("MOBILEOPS_PLUGIN_DEBUG", "") not in {"", "0"}
    client = started(home)
    try:
        state = client.ask("start", name=name, debug=debug)
    finally:
        client.close()
    if arguments.json:
        console.json(state)
        return 0
    console.print(
        f"{name} {state['version']} is running (pid {state['pid']}), methods: {', '.join(state['methods']) or 'none'}"
    )
    return 0
