"""What editors are asked: the catalogue's permissions, the schema's keys, and the sentences of the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mobileops.errors import ManifestError
from mobileops.manifest import _generated, canonical, loads
from mobileops.toolchain.diagnostics import diagnose, folding
from mobileops.toolchain.spec import load
from tests.editors.language_server import ROOT, SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

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

BEYOND_A_SCHEMA = {
    "MOP1205", "MOP1206", "MOP1210", "MOP1211", "MOP1301", "MOP1302", "MOP1303", "MOP1304", "MOP1305",
    "MOP1306", "MOP1307", "MOP1308", "MOP1309", "MOP1310", "MOP1311",
}  # fmt: skip
"""Codes of the rules between keys (`mobileops.manifest._rules`): an editor with a schema alone cannot know them."""


def documents(kind: str) -> list[tuple[str, str]]:
    """Return (name, text) of every example in strict JSON.

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
    """Return what the device's validator says of a document, which is what an editor has to say: no more, no less."""
    return {problem.what for problem in _generated.validate(json.loads(text))}


def reported(text: str, folder: Path) -> set[str]:
    """Return what the command line reports, as far as a schema can know it; folding may have left some out."""
    (folder / "plugin.json").write_text(text, encoding="utf-8")
    findings = [found.finding for found in diagnose(folder) if folding.is_of_manifest(found.finding.code)]
    return {finding.what for finding in findings if finding.code not in BEYOND_A_SCHEMA}
