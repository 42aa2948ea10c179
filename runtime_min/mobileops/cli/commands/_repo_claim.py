"""``mobileops repo claim``: say which repository owns a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mobileops.cli.commands._repositories import shown
from mobileops.errors import UsageError
from mobileops.runtime.repository import configured

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="of the repository on this host")
    parser.add_argument("plugins", nargs="*", metavar="PLUGIN", help="names, or prefixes like 'acme-*', that it owns")
    parser.add_argument("--none", action="store_true", help="it owns no name any more")
    parser.json_option()
    parser.example("mobileops repo claim corp 'corp-*'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write it down: such a name is looked for there alone."""
    if bool(arguments.plugins) == arguments.none:
        raise UsageError("'repo claim' needs names, or --none", code="MOP7003", fix="mobileops repo claim --help")
    home = console.home()
    remote = configured.named(home, arguments.name)
    owned = () if arguments.none else tuple(dict.fromkeys((*remote.plugins, *arguments.plugins)))
    claimed = msgspec.structs.replace(remote, plugins=owned)
    configured.save(home, tuple(claimed if one.name == remote.name else one for one in configured.load(home)))
    if arguments.json:
        console.json(shown(claimed))
    else:
        console.print(f"{claimed.name} owns {', '.join(claimed.plugins) or 'no name'} on this host")
    return 0
