"""``mobileops update-metadata``: bring the words about a published plugin up to date, and sign the repository anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._editing import edit
from mobileops.cli.commands._repositories import repository_option
from mobileops.cli.commands._sources import find_source
from mobileops.errors import NotFoundError, UsageError
from mobileops.toolchain.pack.source_manifest import load_manifest
from mobileops.toolchain.repository import editing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="of the plugin; its source is looked for here and in the plugins folder")
    parser.add_argument("--source", help="folder of its source, whose description, author, homepage and keywords count")
    repository_option(parser)
    parser.json_option()
    parser.example("mobileops update-metadata my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Take over what the source says; no version and no digest changes."""
    manifest = None
    try:
        source = find_source(arguments.source or arguments.name, console.home(), cwd=Path.cwd())
    except NotFoundError:
        if arguments.source:
            raise
        console.note(f"no source of {arguments.name} here: the repository is signed anew, the words stay")
    else:
        manifest, _ = load_manifest(source)
        if manifest.name != arguments.name:
            raise UsageError(
                f"the source in {str(source)!r} is of {manifest.name!r}",
                code="MOP7003",
                fix=f"mobileops update-metadata {manifest.name}",
            )
        console.note(f"taking the words of {source}")
    return edit(
        arguments,
        console,
        lambda change: editing.describe(change, arguments.name, manifest),
        done=f"updated {arguments.name}",
    )
