"""``mobileops create-template NAME TYPE``: make a new plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.toolchain import scaffold

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="lowercase letters, digits and hyphens")
    parser.add_argument("type", help="service or processing")
    for answer in ("description", "author", "license"):
        parser.add_argument(f"--{answer}", help=f"the manifest's {answer}")
    parser.json_option()
    parser.example("mobileops create-template my-plugin service")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make NAME/ here, or fill this folder when it is empty and called NAME."""
    answers = {
        key: value for key in ("description", "author", "license") if (value := getattr(arguments, key)) is not None
    }
    created = scaffold.create(arguments.name, arguments.type, parent=Path.cwd(), answers=answers)
    if arguments.json:
        console.json({"path": str(created.path), "files": [str(name) for name in created.files]})
        return 0
    for name in created.files:
        console.print(str(name))
    console.note(f"made {created.path}; next: mobileops test {arguments.name}, mobileops package {arguments.name}")
    return 0
