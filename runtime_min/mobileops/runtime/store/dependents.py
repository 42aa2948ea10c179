"""Which installed plugins need which others, by ``plugin_dependencies``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.errors import MobileOpsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from mobileops.runtime.receipts import Receipts


def needs(receipts: Receipts) -> dict[str, dict[str, str]]:
    """Return what every installed plugin needs: name -> name -> range; damaged ones are left out."""
    found = {}
    for receipt in receipts.all():
        try:
            needed = receipts.declared(receipt).plugin_dependencies
        except (MobileOpsError, OSError):
            continue
        found[receipt.name] = {name: str(versions) for name, versions in needed.items()}
    return found


def chains(receipts: Receipts, names: Collection[str]) -> list[tuple[str, ...]]:
    """Return why plugins are needed by others: ``(name, who needs it, who needs that, ...)`` for each last of them.

    Every installed plugin that needs one of the names, itself or through others, is in a chain; none of the names is
    but as the first.
    """
    needed = needs(receipts)
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[str, ...]] = [(name,) for name in names]
    seen = set(names)
    while waiting:
        chain = waiting.pop(0)
        above = [one for one in sorted(needed) if chain[-1] in needed[one] and one not in seen]
        seen.update(above)
        waiting += [(*chain, one) for one in above]
        if not above and len(chain) > 1:
            found.append(chain)
    return found


def with_dependents(receipts: Receipts, names: Collection[str]) -> list[str]:
    """Return the names and all that need them; the names are the last."""
    order: list[str] = []
    for chain in [(name,) for name in names] + chains(receipts, names):
        order += [name for name in chain if name not in order]
    return order[::-1]


def unneeded(receipts: Receipts, gone: Collection[str]) -> list[str]:
    """Return what nobody asked for, and nothing needs when these are gone; it was needed by them."""
    needed = needs(receipts)
    used = {name for one in needed if one not in gone for name in needed[one]}
    candidates = {name for one in gone for name in needed.get(one, {})}
    return [
        one.name
        for one in receipts.all()
        if one.name in candidates and not one.requested and one.name not in {*used, *gone}
    ]
