"""``mobileops deprecate``: advise against a plugin, and name its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._editing import edit
from mobileops.cli.commands._repositories import repository_option
from mobileops.errors import UsageError
from mobileops.runtime.repository.document import Deprecated
from mobileops.toolchain.repository import editing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="of the plugin")
    parser.add_argument("--successor", metavar="NAME", help="the plugin to use instead, from the same repository")
    parser.add_argument("--reason", help="why, for everybody who looks at the plugin")
    parser.add_argument("--undo", action="store_true", help="take it back")
    repository_option(parser)
    parser.json_option()
    parser.example("mobileops deprecate my-plugin --successor my-better-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Say it in the repository."""
    if arguments.undo and (arguments.successor or arguments.reason):
        raise UsageError(
            "--undo goes without --successor and --reason", code="MOP7003", fix="mobileops deprecate --help"
        )
    said = None if arguments.undo else Deprecated(arguments.successor, arguments.reason)
    return edit(
        arguments,
        console,
        lambda change: editing.deprecate(change, arguments.name, said),
        done=f"{'took back the deprecation of' if arguments.undo else 'deprecated'} {arguments.name}",
    )
