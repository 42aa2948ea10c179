"""``mobileops repo list``: the repositories of this host."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._repositories import shown
from mobileops.runtime.repository import configured

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.repository.configured import Remote


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.json_option()
    parser.example("mobileops repo list --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line for each, in their order."""
    home = console.home()
    found: list[dict[str, Any]] = [
        {**shown(remote), "fingerprint": _fingerprint(home, remote)} for remote in configured.load(home)
    ]
    if arguments.json:
        console.json(found)
    elif found:
        rows = [
            (
                one["name"],
                one["url"],
                (", ".join(one["plugins"]) or "-") + (" only" if one["only"] else ""),
                f"{one['max_stale_days']}",
                one["fingerprint"] or "-",
            )
            for one in found
        ]
        console.table(("NAME", "ADDRESS", "OWNS", "STALE DAYS", "FINGERPRINT"), rows)
    else:
        console.note("no repository yet: the first 'mobileops publish' makes the local one")
    return 0


def _fingerprint(home: Home, remote: Remote) -> str | None:
    """Return the SHA-256 of the first root: of the folder for one on this disk, else of the one that is held."""
    folder = remote.folder
    path = folder / "metadata" / "1.root.json" if folder else home.repositories / remote.name / "root.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
