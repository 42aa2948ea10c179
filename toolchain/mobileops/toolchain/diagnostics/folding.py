"""One typing mistake is one finding.

A misspelt key hides the value that it was meant to give, and so causes findings elsewhere: a required key is missing,
a permission seems not to be asked for. The test is what would be found if the key were spelt as suggested: what
vanishes then is a consequence, and what appears is inside the misspelt value and is reported there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest import UNKNOWN_KEY
from mobileops.toolchain.diagnostics.diagnostic import is_of_manifest
from mobileops.toolchain.diagnostics.layout import pointer_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mobileops.errors import Finding

MAX_RENAMES: Final = 10  # misspelt keys in one manifest that are followed up
MAX_FINDINGS: Final = 1000  # a manifest with more is no plugin with a typing mistake

_MISSING: Final = re.compile(r'Missing property "(?P<key>[^"]+)"')
_SUGGESTION: Final = re.compile(r"did you mean '(?P<key>[^']+)'\?")
_NEAR: Final = 0.6


def fold(
    findings: tuple[Finding, ...], document: object, *, where: str, judge: Callable[[Any], Iterable[Finding]]
) -> tuple[Finding, ...]:
    """Return the findings without those that are only the consequence of a misspelt key.

    Args:
        findings: of one plugin.
        document: its manifest as far as it could be read.
        where: name of the manifest.
        judge: returns what would be found if the manifest were another document.
    """
    if not isinstance(document, Mapping) or len(findings) > MAX_FINDINGS:
        return findings
    suggested = tuple(_with_missing_key(findings))
    changes = dict(renames(suggested, document))
    if not changes:
        return suggested
    imagined = [_moved_back(finding, changes, where) for finding in judge(_renamed(document, changes))]
    remaining, before = ({_mark(finding) for finding in findings} for findings in (imagined, suggested))
    kept = [finding for finding in suggested if finding.code == UNKNOWN_KEY or _mark(finding) in remaining]
    return (*kept, *(finding for finding in imagined if _mark(finding) not in before))


def _mark(finding: Finding) -> tuple[str, str, str]:
    """Return what makes two findings the same."""
    return finding.code, finding.what, finding.where


def suggested_key(finding: Finding) -> tuple[str, str, str] | None:
    """Return (pointer of the object, key, suggested key) of a finding about a misspelt key, else None."""
    found = _SUGGESTION.fullmatch(finding.fix or "")
    if found is None or finding.code != UNKNOWN_KEY:
        return None
    parent, _, part = finding.where.partition("#")[2].rpartition("/")
    return parent, part.replace("~1", "/").replace("~0", "~"), found["key"]


def _with_missing_key(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    """Yield the findings; an unknown key that resembles a missing one of the same object takes its place."""
    missing = {
        (finding.where.rpartition("#")[2], found["key"]): finding
        for finding in findings
        if (found := _MISSING.fullmatch(finding.what))
    }
    replaced: dict[Finding, Finding] = {}
    for finding in findings:
        parent, _, part = finding.where.rpartition("#")[2].rpartition("/")
        if finding.code != UNKNOWN_KEY or suggested_key(finding):
            continue
        candidates = [key for at, key in missing if at == parent and missing[at, key] not in replaced]
        near = difflib.get_close_matches(part.casefold(), candidates, n=2, cutoff=_NEAR)
        if len(near) == 1:
            fix = f"did you mean {near[0]!r}?"
            replaced[missing[parent, near[0]]] = finding._replace(fix=fix)
    renamed = {finding.where: finding for finding in replaced.values()}
    for finding in findings:
        if finding not in replaced:
            yield renamed.get(finding.where, finding)


def renames(findings: Iterable[Finding], document: object) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield (pointer of the object, key) -> suggested key, where the suggestion is free."""
    taken: set[tuple[str, str]] = set()
    for finding in findings:
        suggestion = suggested_key(finding)
        if suggestion is None or len(taken) >= MAX_RENAMES:
            continue
        parent, key, meant = suggestion
        around = value_at(document, parent)
        if isinstance(around, Mapping) and meant not in around and (parent, meant) not in taken:
            taken.add((parent, meant))
            yield (parent, key), meant


def without_echoes(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without what a rule about files says of a value or text that is wrong by itself.

    A path that the schema refuses does not exist either; a manifest that is not UTF-8 cannot be read either.
    """
    found = tuple(findings)
    wrong = {finding.where for finding in found if is_of_manifest(finding.code) and finding.severity == "error"}
    wrong |= {place.partition(":")[0] for place in wrong if "#" not in place}
    return tuple(finding for finding in found if is_of_manifest(finding.code) or finding.where not in wrong)


def value_at(value: object, pointer: str) -> object:
    """Return the value at a pointer, None if there is none."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _renamed(value: Any, changes: dict[tuple[str, str], str], at: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a document with keys renamed."""
    if isinstance(value, Mapping):
        return {
            changes.get((at, key), key): _renamed(inner, changes, f"{at}/{pointer_part(str(key))}")
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner, changes, f"{at}/{index}") for index, inner in enumerate(value)]
    return value


def _moved_back(finding: Finding, changes: dict[tuple[str, str], str], where: str) -> Finding:
    """Return a finding of the renamed document at its place in the document as it is."""
    name, _, pointer = finding.where.partition("#")
    if name != where:
        return finding
    for (parent, key), meant in changes.items():
        renamed = f"{parent}/{pointer_part(meant)}"
        if pointer == renamed or pointer.startswith(f"{renamed}/"):
            pointer = f"{parent}/{pointer_part(key)}{pointer[len(renamed) :]}"
            break
    return finding._replace(where=f"{where}#{pointer}")
