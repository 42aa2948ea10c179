"""``mobileops verify``: the trust decision, without installing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_bundle
from mobileops.cli.commands._trust import decide

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.json_option()
    parser.example("mobileops verify my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print who signed what; a refusal is exit 3 with its own code."""
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    with decide(home, bundle) as verified:
        facts = {
            "outcome": "trusted",
            "bundle": str(bundle),
            "name": verified.manifest.name,
            "version": str(verified.manifest.version),
            "sha256": verified.sha256,
            **verified.signer.to_dict(),
        }
    if arguments.json:
        console.json(facts)
    else:
        console.fields(facts)
    return 0
