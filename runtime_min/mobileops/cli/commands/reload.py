"""``mobileops reload``: replace a running plugin by a new process of the installed version, without losing a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import debug_wanted, installed, running, tell_debug_mode

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument(
        "--in-place", action="store_true", help="have the plugin's own reload() do it, in the process that runs"
    )
    parser.add_argument(
        "--drain",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long the old process may take for calls that it has got (default: 60)",
    )
    parser.json_option()
    parser.example("mobileops reload my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Start the new process, switch, drain and stop the old one; a failure keeps the old one."""
    home = console.home()
    name = installed(home, arguments.name).name
    client = running(home, name)
    try:
        state = client.ask(
            "reload", name=name, in_place=arguments.in_place, drain_s=arguments.drain, debug=debug_wanted(console)
        )
    finally:
        client.close()
    tell_debug_mode(state, console)
    if arguments.json:
        console.json(state)
        return 0
    how = "reloaded itself" if arguments.in_place else f"was replaced by a new process (pid {state['pid']})"
    console.print(f"{name} {state['version']} {how}, and is {state['state']}")
    if state.get("unanswered"):
        console.note(f"{state['unanswered']} calls were not answered within {arguments.drain:g} s, and have failed")
    return 0
