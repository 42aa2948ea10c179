"""What removing plugins would take away, as one value: printed for people and for programs, and asked about."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mobileops.runtime.store import dependents
from mobileops.runtime.store.autostart import Autostart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mobileops.runtime.receipts import Receipt, Receipts


@dataclasses.dataclass(frozen=True, slots=True)
class Removal:
    """One plugin of a plan.

    Attributes:
        receipt: of the plugin.
        named: whether somebody asked for its removal, not only for that of one that it needs.
        needs: other plugins of the plan, because of which it goes.
        needed_by: plugins that stay and could not be started without it.
        enabled: whether it is started with the plugin manager.
        data: the folder with what it wrote; None when there is none.
        purge: whether that, its settings, logs and pinned signer go too.
    """

    receipt: Receipt
    named: bool
    needs: tuple[str, ...]
    needed_by: tuple[str, ...]
    enabled: bool
    data: Path | None
    purge: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as schema/cli/uninstall.v1.schema.json describes."""
        return {
            "name": self.receipt.name,
            "version": self.receipt.version,
            "action": "uninstall",
            "named": self.named,
            "needs": list(self.needs),
            "needed_by": list(self.needed_by),
            "enabled": self.enabled,
            "data": str(self.data) if self.data else None,
            "purge": self.purge,
        }


def plan(receipts: Receipts, name: str, *, cascade: bool, purge: bool) -> list[Removal]:
    """Return what removing a plugin takes away; the plugin is the last.

    Args:
        receipts: what is installed.
        name: the plugin.
        cascade: whether what needs it goes too.
        purge: whether its data go too.

    Raises:
        NotFoundError: it is not installed.
    """
    names = dependents.with_dependents(receipts, [name]) if cascade else [name]
    needs, enabled = dependents.needs(receipts), Autostart(receipts.home)
    found = []
    for one in names:
        data = receipts.home.data / one
        found.append(
            Removal(
                receipt=receipts.get(one),
                named=one == name,
                needs=tuple(sorted(set(needs.get(one, ())) & set(names))),
                needed_by=tuple(sorted(other for other in needs if one in needs[other] and other not in names)),
                enabled=enabled.has(one),
                data=data if data.is_dir() else None,
                purge=purge,
            )
        )
    return found


def lines(plan: Sequence[Removal]) -> list[str]:
    """Return a plan for people."""
    found = []
    for one in plan:
        why = "" if one.named else f" (needs {', '.join(one.needs)})"
        found.append(f"uninstall {one.receipt.name} {one.receipt.version}{why}")
        found += [f"    {label + ':':<16}{text}" for label, text in _facts(one) if text]
    return found


def _facts(one: Removal) -> list[tuple[str, str]]:
    settings = "settings, logs and the pinned signer"
    kept = f"{one.data}, and its settings; --purge removes them too" if one.data else ""
    lost = f"{one.data}, {settings}" if one.data else settings
    return [
        ("needed by", ", ".join(one.needed_by)),
        ("enabled", "it will not be started with the plugin manager any more" if one.enabled else ""),
        ("removes" if one.purge else "keeps", lost if one.purge else kept),
    ]
