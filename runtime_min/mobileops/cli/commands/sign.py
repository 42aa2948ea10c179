"""``mobileops sign``: sign a bundle and say in which mode and as whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands import _signers, _signing_options
from mobileops.cli.commands._sources import find_bundle, find_source
from mobileops.toolchain.pipeline import signing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.add_argument(
        "--source", metavar="PLUGIN", help="folder it was built from: packed again, and signed as its origin if it fits"
    )
    _signing_options.configure(parser)
    parser.json_option()
    parser.example("mobileops sign my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write BUNDLE.sigstore.json beside the bundle and say in which mode and as whom."""
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    source = None if arguments.source is None else find_source(arguments.source, home, cwd=Path.cwd())
    signer = _signers.choose(arguments, console, home)
    signed = signing.sign(bundle, signer=signer, source=source, environment=console.environment)
    if arguments.json:
        console.json(_signers.facts(signed))
    else:
        _signers.show(signed, console)
    return 0
