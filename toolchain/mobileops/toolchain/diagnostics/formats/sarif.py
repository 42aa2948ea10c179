"""SARIF 2.1.0 (OASIS), for code scanning services and editors."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mobileops.toolchain import __version__
from mobileops.toolchain.diagnostics import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def render(diagnostics: Sequence[Diagnostic], *, name: str, base: str) -> str:  # noqa: ARG001 - see the package
    """Return a log with one run; columns count code points."""
    codes = sorted({found.finding.code for found in diagnostics})
    driver = {
        "name": "mobileops validate",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, codes.index(found.finding.code), base) for found in diagnostics],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    entry = catalogue.entries().get(code)
    if entry is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {"text": entry.fix},
        "defaultConfiguration": {"level": entry.severity},
    }


def _result(found: Diagnostic, rule_index: int, base: str) -> dict[str, Any]:
    finding = found.finding
    text = ". ".join([finding.what, *(f"{label}: {part}" for label, part in _details(found))])
    location: dict[str, Any] = {"physicalLocation": _physical(found, base)}
    if found.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": found.pointer, "kind": "member"}]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": "error" if found.is_error else "warning",
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"finding/v1": _fingerprint(found)},
    }


def _details(found: Diagnostic) -> list[tuple[str, str]]:
    """Return why and fix, as far as there are any."""
    finding = found.finding
    return [(label, part) for label, part in (("Why", finding.why), ("Fix", finding.fix)) if part]


def _physical(found: Diagnostic, base: str) -> dict[str, Any]:
    path = quote(f"{base}{found.file}", errors="replace")
    physical: dict[str, Any] = {"artifactLocation": {"uri": f"file://{path}" if path.startswith("/") else path}}
    if found.line:
        region: dict[str, Any] = {"startLine": found.line}
        if found.column:
            region["startColumn"] = found.column
            if found.end_column:
                region["endColumn"] = found.end_column
        physical["region"] = region
    return physical


def _fingerprint(found: Diagnostic) -> str:
    """Return what stays the same while lines move: the code, the place in the document, the cause."""
    parts = (found.finding.code, found.file, found.pointer or "", found.finding.what)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
