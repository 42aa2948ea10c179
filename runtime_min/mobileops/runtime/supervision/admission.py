"""Whether an installed plugin may be started now: not revoked since, and its files as they were verified and signed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mobileops.errors import RefusedError
from mobileops.runtime.instances.lifecycle import State, Transition
from mobileops.runtime.trust import load_policy

if TYPE_CHECKING:
    from mobileops.runtime.home import Home
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Store


class Admission:
    """Decides before each start, and remembers which plugins are quarantined since the last one."""

    def __init__(self, home: Home, store: Store) -> None:
        """Refuse nobody yet.

        Args:
            home: the plugin manager's folder, with the policy.
            store: installed plugins.
        """
        self._home = home
        self._store = store
        self._refused: dict[str, Transition] = {}

    def admit(self, name: str) -> Receipt:
        """Return the receipt of a plugin that may be started; one that may not is quarantined.

        Raises:
            NotFoundError: not installed.
            RefusedError: its bundle was revoked, or files changed since the install.
        """
        receipt = self._store.get(name)
        self._refused.pop(name, None)
        try:
            load_policy(self._home).refuse_revoked(receipt.sha256, signer=receipt.signer, where=receipt.name)
            self._store.check(receipt)
        except RefusedError as error:
            self._refused[name] = Transition(time.time(), None, State.QUARANTINED, f"{error.what} [{error.code}]")
            raise
        return receipt

    def quarantine(self, name: str) -> Transition | None:
        """Return since when and why a plugin is quarantined, None when it is not."""
        return self._refused.get(name)
