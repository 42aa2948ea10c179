"""``mobileops list``: installed plugins, or those that the repositories have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import asdict

from mobileops.cli.commands._manager import brief, states
from mobileops.cli.glance import list_rows, table
from mobileops.runtime.receipts import Receipts

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home

EVERY: Final = -1
"""No limit, as SQLite says it."""


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("--available", action="store_true", help="the plugins of the repositories instead")
    parser.add_argument("-q", "--quiet", action="store_true", help="names only")
    parser.json_option()
    parser.example("mobileops list --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line for each plugin, by name."""
    home = console.home()
    if arguments.available:
        return _available(arguments, home, console)
    receipts = Receipts(home).all()
    rows = list_rows(map(asdict, receipts), brief(states(home, [receipt.name for receipt in receipts])))
    if arguments.json:
        console.json(rows)
    elif arguments.quiet:
        for row in rows:
            console.print(row["name"])
    elif rows:
        console.stdout.write(table(rows))
    else:
        console.note(f"nothing is installed in {home.root}")
    return 0


def _available(arguments: argparse.Namespace, home: Home, console: Console) -> int:
    """Print every plugin of every repository, as the search logs say, with the installed version."""
    from mobileops.cli.commands._repositories import look_into, open_sources  # noqa: PLC0415  only this option
    from mobileops.cli.commands.search import entry  # noqa: PLC0415  likewise
    from mobileops.runtime.repository.query import Query  # noqa: PLC0415  likewise

    sources = open_sources(home, console)
    installed = {receipt.name: receipt.version for receipt in Receipts(home).all()}
    found: list[dict[str, Any]] = [
        {**entry(record, name), "installed": installed.get(record.name)}
        for name, record in look_into(sources, Query(), console, limit=EVERY)
    ]
    found.sort(key=lambda one: (one["name"], one["repository"]))
    if arguments.json:
        console.json(found)
    elif arguments.quiet:
        for one in found:
            console.print(one["name"])
    elif found:
        rows = [
            (one["name"], one["version"], one["installed"] or "-", one["type"], one["repository"], _words(one))
            for one in found
        ]
        console.table(("NAME", "VERSION", "INSTALLED", "TYPE", "REPOSITORY", "DESCRIPTION"), rows)
    else:
        console.note("no repository of this host has a plugin: mobileops publish BUNDLE offers one")
    return 0


def _words(one: dict[str, Any]) -> str:
    return f"{one['description']}{' (deprecated)' if one['deprecated'] else ''}"
