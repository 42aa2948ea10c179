"""``mobileops trust rotate``: forget a pinned signer, because the publisher changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import NotFoundError
from mobileops.runtime.store import signer_pins
from mobileops.runtime.store.rotation import rotate

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="the plugin")
    parser.add_argument("--reason", required=True, help="why, for the record")
    parser.json_option()
    parser.example("mobileops trust rotate acme-pay --reason 'moved to another repository, see their announcement'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Forget the pin and record who it was and why; the next verified install pins its signer."""
    home = console.home()
    try:
        forgotten = rotate(home, arguments.name, reason=arguments.reason)
    except NotFoundError as error:
        error.fix = did_you_mean(arguments.name, signer_pins.load(home)) or error.fix
        raise
    if arguments.json:
        console.json({"name": arguments.name, "forgotten": forgotten.to_dict(), "log": str(home.trust_log)})
        return 0
    console.print(f"forgot {forgotten}")
    console.note(f"recorded in {home.trust_log}; the next verified install of {arguments.name} pins its signer")
    return 0
