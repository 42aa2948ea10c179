"""``mobileops repo remove``: use a repository no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import forget, shown
from mobileops.runtime.repository import configured

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="what it is called on this host")
    parser.json_option()
    parser.example("mobileops repo remove corp")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Forget it and its root; the repository itself is not touched."""
    home = console.home()
    remote = configured.named(home, arguments.name)
    configured.save(home, tuple(one for one in configured.load(home) if one.name != remote.name))
    forget(home, remote.name)
    if arguments.json:
        console.json(shown(remote))
    else:
        console.print(f"removed {remote.name}; what is at {remote.url} stays")
    return 0
