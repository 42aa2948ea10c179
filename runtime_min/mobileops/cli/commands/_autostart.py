"""What ``enable`` and ``disable`` share: whether a plugin is started with the plugin manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed
from mobileops.runtime.store.autostart import Autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser, *, example: str) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example(example)


def change(arguments: argparse.Namespace, console: Console, *, enabled: bool) -> int:
    """Write down what is wanted; nothing is started or stopped now."""
    home = console.home()
    name = installed(home, arguments.name).name
    autostart = Autostart(home)
    changed = autostart.enable(name) if enabled else autostart.disable(name)
    if arguments.json:
        console.json({"name": name, "enabled": enabled, "changed": changed})
    else:
        how = "is started" if enabled else "is not started"
        console.print(f"{name} {how} with the plugin manager" + ("" if changed else ", as before"))
    return 0
