"""``mobileops yank``: advise against a published version, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._editing import edit
from mobileops.cli.commands._repositories import repository_option
from mobileops.errors import UsageError
from mobileops.manifest import Version
from mobileops.toolchain.repository import editing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="of the plugin")
    parser.add_argument("version", help="the one to advise against; who has it keeps it, and it is never removed")
    parser.add_argument("--reason", help="why, for everybody who looks at the plugin")
    parser.add_argument("--undo", action="store_true", help="take it back")
    repository_option(parser)
    parser.json_option()
    parser.example("mobileops yank my-plugin 1.0.1 --reason 'loses data when the disk is full'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Say it in the repository."""
    if bool(arguments.reason) == arguments.undo:
        raise UsageError("'yank' needs --reason, or --undo without it", code="MOP7003", fix="mobileops yank --help")
    version = Version.parse(arguments.version)
    return edit(
        arguments,
        console,
        lambda change: editing.yank(change, arguments.name, version, reason=arguments.reason),
        done=f"{'took back the advice against' if arguments.undo else 'yanked'} {arguments.name} {version}",
    )
