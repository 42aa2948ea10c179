"""``mobileops inspect``: what is in a bundle, read strictly but without trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.bundle import open_bundle
from mobileops.cli.commands._sources import find_bundle
from mobileops.errors import EXIT_FAILURE, BundleRefused

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest bundle is meant")
    parser.json_option()
    parser.example("mobileops inspect dist/my-plugin-1.0.0.zip --json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the contents; exit 1 with the code when the archive is refused."""
    path = find_bundle(arguments.bundle, console.home(), cwd=Path.cwd())
    try:
        with open_bundle(path) as bundle:
            bundle.check_members()
            facts = {
                "name": bundle.manifest.name,
                "version": str(bundle.manifest.version),
                "type": bundle.manifest.type,
                "sha256": bundle.sha256,
                "size_bytes": bundle.size_bytes,
                "permissions": [str(permission) for permission in bundle.manifest.permissions],
                "members": [
                    {"name": member.name, "size_bytes": member.size, "compressed_bytes": member.compressed_size}
                    for member in bundle.members
                ],
            }
    except BundleRefused as refusal:
        if arguments.json:
            console.json({"refused": refusal.to_dict()})
        console.error(refusal)
        return EXIT_FAILURE
    if arguments.json:
        console.json(facts)
    else:
        _show(facts, console)
    return 0


def _show(facts: dict[str, Any], console: Console) -> None:
    members = facts.pop("members")
    facts["permissions"] = ", ".join(facts["permissions"]) or "none"
    console.fields(facts)
    console.table(
        ("SIZE", "PACKED", "MEMBER"), [(f"{m['size_bytes']}", f"{m['compressed_bytes']}", m["name"]) for m in members]
    )
    console.note("not verified: 'mobileops verify' decides about trust")
