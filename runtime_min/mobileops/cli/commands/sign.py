"""``mobileops sign``: sign a bundle and say in which mode and as whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands import _signers
from mobileops.cli.commands._sources import find_bundle
from mobileops.toolchain.sign import sign_bundle

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    _signers.configure(parser)
    parser.json_option()
    parser.example("mobileops sign my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write BUNDLE.sigstore.json beside the bundle and say in which mode and as whom."""
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    signed = sign_bundle(bundle, signer=_signers.choose(arguments, console, home))
    facts = _signers.facts(signed)
    if arguments.json:
        console.json(facts)
    else:
        console.fields({name: value for name, value in facts.items() if value is not None})
        console.note(_signers.advice(signed.by))
    return 0
