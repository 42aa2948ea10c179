"""Remove plugins: none that another needs, none that is just being started, and all that belongs to them at once.

One commit of the journal takes away the receipts and the places in the list of what is started with the plugin manager;
with ``purge`` the pinned signers, the settings and what the plugins wrote, too. Without it those stay for the next
install: they are the operator's, not the version's.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from mobileops.errors import RefusedError
from mobileops.runtime import audit, journal
from mobileops.runtime.receipts import CURRENT, PREVIOUS
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.store import dependents, signer_pins, staging
from mobileops.runtime.store.autostart import Autostart
from mobileops.runtime.store.changing import changing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.runtime.receipts import Receipt, Receipts


def uninstall(receipts: Receipts, names: Sequence[str], *, purge: bool, force: bool) -> list[Receipt]:
    """Remove plugins, all of them or none; return their receipts, in the same order.

    Raises:
        NotFoundError: one is not installed.
        RefusedError: ``MOP6010``, a plugin that stays needs one of them, and ``force`` is false.
        HostFault: the disk refused.
    """
    home = receipts.home
    with changing(home), ExitStack() as stack:
        found = [receipts.get(name) for name in names]
        if not force:
            refuse_needed(receipts, names)
        files = Autostart(home).without(names)
        for name in names:
            files |= {home.store / name / which: None for which in (CURRENT, PREVIOUS)}
        trash = [home.store / name for name in names]
        if purge:
            stack.enter_context(SettingsFiles(home).changing())  # who sets something looks for the plugin under it
            left = {name: pin for name, pin in signer_pins.load(home).items() if name not in names}
            files[home.pins] = signer_pins.encode(left)
            trash += [path for name in names for path in _belongings(home, name)]
        journal.commit(home, files, trash=trash)
        staging.sweep(home.staging)
    return found


def refuse_needed(receipts: Receipts, names: Collection[str]) -> None:
    """Make sure that no plugin that stays needs one of these.

    Raises:
        RefusedError: ``MOP6010``, naming who needs it, and why that is there itself.
    """
    chains = dependents.chains(receipts, names)
    if not chains:
        return
    needed = " and ".join(repr(name) for name in sorted({chain[0] for chain in chains}))
    others = list(dict.fromkeys(name for chain in chains for name in chain[1:]))
    raise RefusedError(
        f"{needed} cannot be removed: {', '.join(others)} could not be started without it",
        code="MOP6010",
        where=str(receipts.home.store),
        why="; ".join(" <- ".join(chain) for chain in chains) + " (<- is needed by)",
        fix=f"mobileops uninstall {chains[0][0]} --cascade removes {', '.join(others)} too; "
        "--force leaves what needs it behind",
    )


def _belongings(home: Home, name: str) -> list[Path]:
    """Return everything that a plugin has outside the store."""
    logs = [home.logs / f"{name}.jsonl", home.logs / f"{name}.jsonl.1"]
    return [home.data / name, *SettingsFiles(home).paths(name), *logs, *audit.all_files(home.audit, name)]
