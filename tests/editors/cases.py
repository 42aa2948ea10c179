"""What editors are asked: the catalogue's permissions, the schema's keys, and the sentences of the command line."""

from __future__ import annotations

import json

from mobileops.errors import ManifestError
from mobileops.manifest import _generated, canonical, check, loads
from mobileops.toolchain.spec import load
from tests.editors.language_server import ROOT, SCHEMA

MANIFEST = json.loads(SCHEMA.read_bytes())
ENTRIES = load.entries(load.catalogue(ROOT / "schema"))
VALUES = [entry for entry in ENTRIES if entry.argument is None or entry.optional]
SNIPPETS = [(entry, form) for entry in ENTRIES for form in entry.forms if ":" in form]
EXAMPLES = [(entry, example) for entry in ENTRIES for example in entry.examples]
SECTIONS = {
    section: list(MANIFEST["properties"][section]["properties"]) for section in ("hooks", "compatibility", "resources")
}
TYPES = dict(
    zip(
        MANIFEST["properties"]["type"]["enum"], MANIFEST["properties"]["type"]["enumDescriptions"], strict=True
    )
)  # fmt: skip
MINIMAL = json.loads((ROOT / "schema" / "examples" / "valid" / "minimal.json").read_bytes())

_OWN_WORDS = ("MOP1101", "MOP1102", "MOP1103", "MOP1106", "MOP1107", "MOP1108", "MOP1109")
"""Codes whose words each editor has of its own: types, missing and unknown keys, bounds, repetitions."""


def documents(kind: str) -> list[tuple[str, str]]:
    """Return (name, text) of every example that is an object in strict JSON.

    The texts are canonical, so that 1.0 is written 1, which editors take more literally than JSON Schema. They have no
    ``$schema``: an editor would fetch it. What the settings do about that has a test of its own.
    """
    found = []
    for path in sorted((ROOT / "schema" / "examples" / kind).glob("*.json")):
        try:
            document = loads(path.read_bytes(), where="")
        except ManifestError:
            continue
        if isinstance(document, dict):
            document.pop("$schema", None)
            found.append((path.stem, canonical(document).decode()))
    return found


def sentences(text: str) -> set[str]:
    """Return the sentences that the schema prescribes, as the command line says them."""
    document = json.loads(text)
    reported = {finding.what for finding in check(document)}
    fixed = {problem.what for problem in _generated.validate(document) if problem.code not in _OWN_WORDS}
    return fixed & reported
