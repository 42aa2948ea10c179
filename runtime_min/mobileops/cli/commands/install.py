"""``mobileops install``: verify a bundle and install it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._manager import states
from mobileops.cli.commands._sources import find_bundle
from mobileops.cli.commands._trust import decide, warn
from mobileops.runtime.store import Store

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest built bundle is meant")
    parser.add_argument("version", nargs="?", help="this version of the named plugin")
    parser.json_option()
    parser.example("mobileops install dist/my-plugin-1.0.0.zip")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read strictly, verify, extract; the state changes completely or not at all."""
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd(), version=arguments.version)
    if bundle != Path.cwd() / arguments.bundle:
        console.note(f"taking {bundle}")
    receipt = Store(home).install(bundle, verify=lambda zip_copy, signature: decide(home, zip_copy, signature))
    warn(home, console)
    facts = {"installed": receipt.name, "version": receipt.version, "sha256": receipt.sha256, "signer": receipt.signer}
    if arguments.json:
        console.json(facts)
    else:
        signer = receipt.signer
        by = signer.get("identity") or signer.get("key_hint")
        console.print(f"installed {receipt.name} {receipt.version}, signed by {by} ({signer['assurance']})")
        console.note(_next(home, receipt.name))
    return 0


def _next(home: Home, name: str) -> str:
    if states(home, [name])[name]["state"] in {"stopped", "failed", "quarantined"}:
        return f"next: mobileops start {name}"
    return f"{name} still runs as it was; to switch without losing a call: mobileops reload {name}"
