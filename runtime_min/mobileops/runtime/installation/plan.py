"""What installing verified bundles would change, as one value: printed for people, for programs, and asked about."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mobileops.errors import MobileOpsError
from mobileops.manifest import Permission, Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.runtime.comparison import Comparison
    from mobileops.runtime.comparison.change import Change
    from mobileops.runtime.permissions.difference import Difference
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Staged, Store

SECTIONS = ("api", "configuration", "dependencies")
"""Of a comparison: what callers and operators of the installed version notice. Files are left out."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One plugin of a plan.

    Attributes:
        staged: the verified bundle.
        origin: where it came from, in words.
        requested: whether somebody asked for it, not only for one that needs it.
        allowed: what the installed version may do; empty for a first install.
        permissions: what it might do that may not be done now, and the other way round; empty for a first install.
        comparison: with the installed version; None for a first install, or when that cannot be read.
    """

    staged: Staged
    origin: str
    requested: bool
    allowed: tuple[Permission, ...]
    permissions: tuple[Difference, ...]
    comparison: Comparison | None

    @property
    def action(self) -> str:
        """Say what would be done, in one word."""
        before = self.staged.before
        if before is None:
            return "install"
        old, new = Version.parse(before.version), self.staged.verified.manifest.version
        return "upgrade" if new > old else "downgrade" if new < old else "reinstall"

    @property
    def is_widening(self) -> bool:
        """Whether an installed plugin could do more than now."""
        return any(one.allows_more for one in self.permissions)

    @property
    def declared(self) -> tuple[Permission, ...]:
        """What the new version asks for."""
        return self.staged.verified.manifest.permissions

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as schema/cli/install.v1.schema.json describes."""
        verified, before = self.staged.verified, self.staged.before
        manifest = verified.manifest
        changes = self.comparison.to_dict() if self.comparison is not None else {}
        return {
            "name": manifest.name,
            "version": str(manifest.version),
            "action": self.action,
            "before": before.version if before else None,
            "requested": self.requested,
            "origin": self.origin,
            "sha256": verified.sha256,
            "size_bytes": verified.bundle.size_bytes,
            "installed_bytes": sum(entry.size for entry in verified.bundle.files.entries.values()),
            "signer": verified.signer.to_dict(),
            "signer_before": before.signer if before else None,
            "permissions": list(map(str, self.declared)),
            "permission_changes": [
                {"kind": one.kind, "before": list(map(str, one.before)), "after": list(map(str, one.after))}
                for one in self.permissions
            ],
            "needs": {name: str(versions) for name, versions in sorted(manifest.plugin_dependencies.items())},
            **{section: changes.get(section, []) for section in SECTIONS},
        }


def step(store: Store, staged: Staged, *, origin: str, requested: bool) -> Step:
    """Return what installing a bundle would change."""
    before, declared = staged.before, staged.verified.manifest.permissions
    if before is None:
        return Step(staged, origin, requested, (), (), None)
    # A first install has nothing to be compared with, and does not pay for the comparison.
    from mobileops.runtime.comparison import compare  # noqa: PLC0415
    from mobileops.runtime.permissions.difference import differences  # noqa: PLC0415
    from mobileops.runtime.store import InstalledFiles  # noqa: PLC0415

    comparison: Comparison | None = None
    with suppress(MobileOpsError, OSError):  # what is damaged cannot be compared, and installing mends it
        comparison = compare(InstalledFiles(store, before), staged.verified.bundle)
    allowed = _allowed(store, before, staged)
    return Step(staged, origin, requested, allowed, tuple(differences(allowed, declared)), comparison)


def _allowed(store: Store, before: Receipt, staged: Staged) -> tuple[Permission, ...]:
    """Return what the installed version may do; nothing, when nobody can tell any more what it declared."""
    if before.granted is not None:
        return tuple(map(Permission.parse, before.granted))
    if before.sha256 == staged.verified.sha256:
        return staged.verified.manifest.permissions
    with suppress(MobileOpsError, OSError):
        return store.declared(before).permissions
    return ()


def lines(plan: Sequence[Step]) -> list[str]:
    """Return a plan for people; it holds text of publishers, which the caller makes printable."""
    found = []
    for one in plan:
        found.append(_title(one))
        found += [f"    {label + ':':<16}{text}" for label, text in _facts(one)]
    return found


def _title(one: Step) -> str:
    manifest, before = one.staged.verified.manifest, one.staged.before
    versions = str(manifest.version) if before is None else f"{before.version} -> {manifest.version}"
    needed = "" if one.requested else " (needed by another)"
    return f"{one.action} {manifest.name} {versions}{needed}, from {one.origin}"


def _facts(one: Step) -> list[tuple[str, str]]:
    verified, before = one.staged.verified, one.staged.before
    signer = verified.signer.to_dict()
    facts = [("signer", _who(signer))]
    if before is not None and _who(before.signer) != _who(signer):
        facts.append(("", f"was {_who(before.signer)}"))
    if before is None:
        facts += _listed("permissions", [f"{one} ({one.title}, risk {one.risk})" for one in one.declared] or ["none"])
    else:
        facts += _listed("permissions", [_difference(change) for change in one.permissions] or ["as now"])
    needs = verified.manifest.plugin_dependencies
    facts += _listed("needs", [f"{name} {versions}" for name, versions in sorted(needs.items())])
    if one.comparison is not None:
        for section in SECTIONS:
            facts += _listed(section, [_change(change) for change in one.comparison.sections[section]])
    facts.append(("size", f"{verified.bundle.size_bytes:,} bytes"))
    return facts


def _who(signer: Mapping[str, Any]) -> str:
    return f"{signer.get('identity') or signer.get('key_hint')} ({signer.get('assurance')}, root {signer.get('root')})"


def _listed(label: str, texts: list[str]) -> list[tuple[str, str]]:
    return [(label if position == 0 else "", text) for position, text in enumerate(texts)]


def _difference(one: Difference) -> str:
    before, after = (", ".join(map(str, side)) for side in (one.before, one.after))
    return {
        "added": f"+ {after}",
        "removed": f"- {before}",
        "widened": f"! {after}, more than {before}",
        "narrowed": f"< {after}, less than {before}",
    }[one.kind]


def _change(change: Change) -> str:
    values = " -> ".join(value for value in (change.before, change.after) if value)
    return f"{change.kind} {change.what}" + (f": {values}" if values else "")
