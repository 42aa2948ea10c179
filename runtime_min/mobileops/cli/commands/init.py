"""``mobileops init``: prepare this account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.toolchain.sign import LocalInstance

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.json_option()
    parser.example("mobileops init")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make the folders and the local signing instance; doing it again changes nothing."""
    home = console.home()
    instance = LocalInstance.open_or_create(home.sigstore)
    facts = {"home": str(home.root), "plugins": str(home.sources), "issuer": instance.issuer, "assurance": "local"}
    if arguments.json:
        console.json(facts)
    else:
        console.fields(facts)
        console.note("ready: mobileops create-template NAME TYPE makes a plugin")
    return 0
