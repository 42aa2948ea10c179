"""``mobileops sign``: sign a bundle with the local instance."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_bundle
from mobileops.toolchain.sign import LocalInstance, sign_bundle

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.add_argument("--identity", help="who signs, as an e-mail address; default: USER@localhost")
    parser.json_option()
    parser.example("mobileops sign my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Write BUNDLE.sigstore.json beside the bundle and say in which mode and as whom."""
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    identity = arguments.identity or f"{getpass.getuser()}@localhost"
    signed = sign_bundle(bundle, instance=LocalInstance.open_or_create(home.sigstore), identity=identity)
    facts = {
        "signature": str(signed.path),
        "mode": signed.mode,
        "identity": signed.identity,
        "issuer": signed.issuer,
        "assurance": signed.assurance,
    }
    if arguments.json:
        console.json(facts)
    else:
        console.fields(facts)
        console.note("assurance 'local': only machines that pin this account's trusted root accept it")
    return 0
