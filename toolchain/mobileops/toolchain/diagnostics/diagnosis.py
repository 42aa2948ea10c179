"""From a plugin's folder to its diagnostics; the order of the steps is known here alone.

1. Run the checks. 2. Fold what one typing mistake caused into one finding. 3. Say the nearest file name where one is
missing, and the catalogue's remedy where a finding has none. 4. Apply the project's rules. 5. Locate and sort, and keep
the first thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops import manifest
from mobileops.errors import Finding
from mobileops.toolchain.checks import source
from mobileops.toolchain.checks.manifest_rules import check_manifest
from mobileops.toolchain.diagnostics import project_rules
from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


CODE_MORE: Final = "MOP1393"
MAX_DIAGNOSTICS: Final = 1000


def diagnose(folder: Path, *, manifest_name: str | None = None) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong with a plugin's folder; never raise because of what is in it.

    Args:
        folder: the plugin's folder.
        manifest_name: a file in it; then only that is looked at, as a manifest by itself.
    """
    opened = source.Source(folder, manifest_name=manifest_name)
    findings = tuple(_check(opened))
    rules, own = project_rules.load(folder)
    if not findings and not own:
        return ()
    from mobileops.toolchain.diagnostics import places  # noqa: PLC0415 - a good plugin needs no places

    improved = [_completed(finding) for finding in _explained(findings, opened)]
    located = places.Places(folder, opened.manifest_name).locate([*rules.apply(improved), *own])
    return _bounded(located, opened.manifest_name)


def _bounded(found: tuple[Diagnostic, ...], manifest_name: str) -> tuple[Diagnostic, ...]:
    """Keep the first diagnostics, and say how many there are beyond them."""
    shown, more = found[:MAX_DIAGNOSTICS], found[MAX_DIAGNOSTICS:]
    if not more:
        return found
    finding = Finding(
        CODE_MORE,
        what=f"there are {len(more)} more findings",
        where=manifest_name,
        why="nobody reads a thousand of them",
        fix="correct the first ones, then check again",
        severity="error" if any(one.is_error for one in more) else "warning",
    )
    return (*shown, Diagnostic(finding, manifest_name))


def _explained(findings: tuple[Finding, ...], opened: source.Source) -> tuple[Finding, ...]:
    """Fold and complete findings with what the document and the folder say."""
    from mobileops.toolchain.diagnostics import folding, suggestions  # noqa: PLC0415 - as above

    folded = folding.fold(
        findings,
        opened.manifest.document,
        where=opened.manifest_name,
        judge=lambda document: _imagined(opened, document),
    )
    return tuple(suggestions.improved(finding, opened) for finding in folding.without_echoes(folded))


def _imagined(opened: source.Source, document: object) -> Iterator[Finding]:
    """Return what the rules would find if the folder had another manifest."""
    other = source.Source(opened.folder, manifest_name=opened.manifest_name if opened.alone else None)
    other.manifest = source.ManifestFile(document, findings=manifest.check(document, where=opened.manifest_name))
    return _check(other)


def _check(opened: source.Source) -> Iterator[Finding]:
    """Yield what the rules find, in their order."""
    if opened.alone:
        yield from check_manifest(opened)
        return
    from mobileops.toolchain.checks.registry import RULES  # noqa: PLC0415 - a manifest alone needs few of them

    for rule in RULES:
        yield from rule.check(opened)


def _completed(finding: Finding) -> Finding:
    """Give a finding without a remedy the one of its code."""
    if finding.fix:
        return finding
    from mobileops.toolchain.diagnostics import catalogue  # noqa: PLC0415 - as above

    entry = catalogue.entries().get(finding.code)
    return finding._replace(fix=entry.fix) if entry else finding
