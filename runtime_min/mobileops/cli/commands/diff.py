"""``mobileops diff``: what a new version of a plugin changes, and whether its version number says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.cli.commands._sources import find_bundle
from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain import compare

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

FORMATS = ("text", "json", "markdown")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("old", help="bundle of the older version")
    parser.add_argument("new", help="bundle of the newer version")
    parser.add_argument("--format", choices=FORMATS, help="markdown is for a pull request; default: text")
    parser.json_option()
    parser.example("mobileops diff dist/my-plugin-1.0.0.zip dist/my-plugin-1.1.0.zip --format markdown")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the comparison; exit 1 when the version step is smaller than the changes ask for."""
    here, home = Path.cwd(), console.home()
    paths = [find_bundle(word, home, cwd=here) for word in (arguments.old, arguments.new)]
    with open_bundle(paths[0]) as old, open_bundle(paths[1]) as new:
        found = compare.compare(old, new)
    form = arguments.format or ("json" if arguments.json else "text")
    if form == "json":
        console.json(found.to_dict())
    else:
        console.print(compare.markdown(found) if form == "markdown" else compare.text(found))
    if not found.is_sufficient:
        console.note(f"the version should make a {found.required.name.lower()} step from {found.old.version}")
    return EXIT_DONE if found.is_sufficient else EXIT_FAILURE
