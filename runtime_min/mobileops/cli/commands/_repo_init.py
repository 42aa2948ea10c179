"""``mobileops repo init``: make a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import adopt_local

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("folder", nargs="?", type=Path, help="empty, or not there yet; default: the local repository")
    parser.json_option()
    parser.example("mobileops repo init /srv/plugins")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make it; one that is there stays as it is."""
    from mobileops.toolchain.repository.creation import create  # noqa: PLC0415  a device may have no toolchain
    from mobileops.toolchain.repository.keys import Keyring  # noqa: PLC0415  a device may have no toolchain

    home = console.home()
    folder = home.repository if arguments.folder is None else arguments.folder.absolute()
    made = create(folder, Keyring(home.repository_keys))
    if made and folder == home.repository:
        adopt_local(home)
    if arguments.json:
        console.json({"folder": str(folder), "keys": str(home.repository_keys), "made": made})
    else:
        console.print(f"made a repository in {folder}" if made else f"there is a repository in {folder} already")
        if made:
            console.note(f"its keys are in {home.repository_keys}: keep a copy of them in a safe place")
    return 0
