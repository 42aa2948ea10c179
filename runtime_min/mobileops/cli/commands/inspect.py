"""``mobileops inspect``: what is in a bundle, read strictly but without trust."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.bundle import open_bundle, read_api, read_overrides, read_sbom
from mobileops.cli.commands._sources import find_bundle
from mobileops.errors import EXIT_FAILURE, BundleRefused

if TYPE_CHECKING:
    import argparse

    from mobileops.bundle import Bundle
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
            facts = _facts(bundle)
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


def _facts(bundle: Bundle) -> dict[str, Any]:
    api, sbom = read_api(bundle), read_sbom(bundle)
    return {
        "name": bundle.manifest.name,
        "version": str(bundle.manifest.version),
        "type": bundle.manifest.type,
        "sha256": bundle.sha256,
        "size_bytes": bundle.size_bytes,
        "permissions": [str(permission) for permission in bundle.manifest.permissions],
        "methods": {
            name: {"description": method.description, "positional": list(method.positional)}
            for name, method in (api.methods if api else {}).items()
        },
        "events": {
            "publishes": list(api.events.publishes) if api else [],
            "subscribes": list(api.events.subscribes) if api else [],
        },
        "dependencies": [
            {
                "name": one.name,
                "version": one.version,
                "licence": ", ".join(map(str, one.licenses)),
                "sha256": sorted(one.sha256),
            }
            for one in (sbom.components if sbom else ())
        ],
        "overrides": {
            name: {"code": override.code, "found": override.found} for name, override in read_overrides(bundle).items()
        },
        "members": [
            {"name": member.name, "size_bytes": member.size, "compressed_bytes": member.compressed_size}
            for member in bundle.members
        ],
    }


def _show(facts: dict[str, Any], console: Console) -> None:
    members, dependencies, events = facts.pop("members"), facts.pop("dependencies"), facts.pop("events")
    methods = (f"{name}({', '.join(method['positional'])})" for name, method in facts["methods"].items())
    facts["permissions"] = ", ".join(facts["permissions"]) or "none"
    facts["methods"] = ", ".join(methods) or "none"
    for verb, topics in events.items():
        if topics:
            facts[verb] = ", ".join(topics)
    overrides = facts.pop("overrides")
    facts["vendored"] = len(dependencies) or "none"
    console.fields(facts)
    if overrides:
        rows = [(one["code"], name, one["found"]) for name, one in overrides.items()]
        console.table(("ALLOWED", "MEMBER", "WHAT IT IS"), rows)
    if dependencies:
        rows = [tuple(one[key] for key in ("name", "version", "licence")) for one in dependencies]
        console.table(("VENDORED", "VERSION", "LICENCE"), rows)
    console.table(
        ("SIZE", "PACKED", "MEMBER"), [(f"{m['size_bytes']}", f"{m['compressed_bytes']}", m["name"]) for m in members]
    )
    console.note("not verified: 'mobileops verify' decides about trust")
