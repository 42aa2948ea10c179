"""``mobileops repo rotate``: replace a key of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import repository_option, written

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "role", choices=("online", "root"), help="online: the key that signs each publish; root: the one above it"
    )
    repository_option(parser)
    parser.json_option()
    parser.example("mobileops repo rotate online")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Replace it so that no device notices; interrupted, the same command goes on where it was."""
    from mobileops.toolchain.repository.renewal import rotate  # noqa: PLC0415  a device may have no toolchain

    target = written(console.home(), arguments.repository)
    key_id = rotate(target.folder, target.keys, role=arguments.role)
    if arguments.json:
        console.json({"folder": str(target.folder), "role": arguments.role, "key_id": key_id})
    else:
        console.print(f"the {arguments.role} key of {target.folder} is {key_id} now; the old one is removed")
    return 0
