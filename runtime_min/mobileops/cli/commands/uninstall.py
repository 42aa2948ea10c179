"""``mobileops uninstall``: remove an installed plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import installed, states
from mobileops.errors import PluginError
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.autostart import Autostart

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument(
        "--purge", action="store_true", help="remove its data, settings, logs and the pinned signer too"
    )
    parser.example("mobileops uninstall my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Remove a plugin that does not run; its data stay unless --purge."""
    home = console.home()
    name = installed(home, arguments.name).name
    if states(home, [name])[name]["state"] not in {"stopped", "failed", "quarantined"}:
        raise PluginError(f"{name!r} is running", code="MOP6007", fix=f"mobileops stop {name}")
    receipt = Store(home).uninstall(name, purge=arguments.purge)
    Autostart(home).disable(name)
    console.print(f"removed {receipt.name} {receipt.version}")
    if arguments.purge:
        SettingsFiles(home).remove(name)
    if not arguments.purge and (home.data / name).is_dir():
        console.note(f"its data stay in {home.data / name}, and its settings; --purge removes them too")
    return 0
