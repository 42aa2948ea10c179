"""``mobileops rollback``: go back to the version before the installed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed
from mobileops.runtime.manager.client import connect

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.json_option()
    parser.example("mobileops rollback my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Swap the two versions in the store; a running plugin is switched over as by reload."""
    home = console.home()
    before = installed(home, arguments.name)
    client = connect(home)
    if client is None:
        from mobileops.runtime.store import Store  # noqa: PLC0415  where the plugin manager runs, it does this

        facts = {"name": before.name, "installed": Store(home).rollback(before.name).version, "state": "stopped"}
    else:
        try:
            state = client.ask("rollback", name=before.name)
        finally:
            client.close()
        facts = {"name": before.name, "installed": state["installed"], "state": state["state"]}
    if arguments.json:
        console.json({**facts, "before": before.version})
    else:
        console.print(f"{before.name} is {facts['installed']} again (was {before.version}), and is {facts['state']}")
    return 0
