"""Check a document: the generated validator, then the rules between keys.

This is apart from ``model`` because whoever only checks need not pay for the classes of the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest import _generated
from mobileops.manifest._report import findings
from mobileops.manifest._rules import RULES

if TYPE_CHECKING:
    from mobileops.errors import Finding

MANIFEST_VERSION: Final = 1
NEWER_FORMAT: Final = "MOP1120"


def check(document: Any, *, where: str = "plugin.json") -> tuple[Finding, ...]:  # noqa: ANN401 - any JSON value
    """Return everything that is wrong with a document, most severe layer first.

    Findings with ``severity == "warning"`` do not keep ``parse`` from returning a manifest. A manifest of a newer
    format is reported as that alone, because nothing else in it can be judged.
    """
    if isinstance(document, dict) and _is_newer(document.get("manifest_version")):
        problems = [p for p in _generated.validate(document) if p.code == NEWER_FORMAT]
        return tuple(findings(problems, f"{where}#"))
    problems = _generated.validate(document)
    found = findings(problems, f"{where}#")
    if isinstance(document, dict):
        wrong = {problem.at.split("/")[1] for problem in problems if problem.at}
        for rule in RULES:
            # A rule has nothing to say about keys that are not there.
            if not rule.keys.isdisjoint(document) and rule.keys.isdisjoint(wrong):
                found += findings(rule.run(document), f"{where}#", severity=rule.severity)
    return tuple(found)


def _is_newer(version: object) -> bool:
    """Tell whether a manifest says that it is of a later format than this one."""
    return isinstance(version, int) and version > MANIFEST_VERSION
