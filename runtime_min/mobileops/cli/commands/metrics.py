"""``mobileops metrics``: print metrics as OpenMetrics, or have the plugin manager serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.runtime.manager import client as clients
from mobileops.runtime.metrics import openmetrics, settings

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--listen",
        metavar="WHERE",
        help="serve them from now on: unix (for this account), 127.0.0.1:PORT (for all of this host), or off",
    )
    parser.example("mobileops metrics --listen unix")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print them; or write down where they are served, and have a running plugin manager do it."""
    home = console.home()
    client = clients.connect(home)
    try:
        if arguments.listen is None:
            console.stdout.write(openmetrics.render(client.ask("sample") if client else None))
            return 0
        settings.save(home.metrics_settings, None if arguments.listen == "off" else arguments.listen)
        if client is None:
            console.print("metrics are served when the plugin manager runs" if arguments.listen != "off" else "off")
            return 0
        where = client.ask("serve-metrics")
        console.print("metrics are served no more" if where is None else f"metrics are served at {where}")
    finally:
        if client is not None:
            client.close()
    return 0
