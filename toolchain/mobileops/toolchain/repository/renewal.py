"""Sign a repository anew before it expires, and replace its keys.

Every command that may write a repository calls `renew_if_due`; ``mobileops repo resign`` does it for a folder that
nobody publishes to. A root past half of its time is replaced by the next one if this account has the root key.

A key is replaced in three steps, each of which a crash may follow, and after which every device can go on: a root that
names the old key and the new one; everything signed by both; a root that names the new one alone. `rotate` finds out
where it was and goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tuf.api.metadata import Root

from mobileops.runtime import durable
from mobileops.toolchain.repository import files
from mobileops.toolchain.repository.change import Change, changing
from mobileops.toolchain.repository.creation import ONLINE_ROLES, ROOT_PERIOD

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

    from mobileops.toolchain.repository.keys import Keyring

ONLINE: Final = "online"
ROLES: Final = (ONLINE, Root.type)


def renew_if_due(folder: Path, keys: Keyring, *, now: datetime.datetime | None = None) -> bool:
    """Sign what is past half of its time; return whether anything was.

    Raises:
        MobileOpsError: as `changing`.
    """
    with changing(folder, keys, now=now) as change:
        root = _root_is_due(change) and bool(keys.signers(_key_ids(change, Root.type)))
        if root:
            _next_root(change, keys.signers(_key_ids(change, Root.type)))
        if root or change.is_due():
            change.commit()
            return True
    return False


def resign(folder: Path, keys: Keyring, *, now: datetime.datetime | None = None) -> None:
    """Sign the repository anew, due or not.

    Raises:
        MobileOpsError: as `changing`.
    """
    with changing(folder, keys, now=now) as change:
        if _root_is_due(change) and (signers := keys.signers(_key_ids(change, Root.type))):
            _next_root(change, signers)
        change.commit()


def rotate(folder: Path, keys: Keyring, *, role: str, now: datetime.datetime | None = None) -> str:
    """Replace the key of a role by a new one, and return its id; after a crash, go on with the one it had made.

    Args:
        folder: of the repository.
        keys: of this account; the root key has to be among them.
        role: ``root``, or ``online`` for the key that signs everything else.
        now: for tests.

    Raises:
        MobileOpsError: as `changing`.
    """
    with changing(folder, keys, now=now) as change:
        roles = (Root.type,) if role == Root.type else ONLINE_ROLES
        before = _key_ids(change, roles[0])
        signers = keys.required(_key_ids(change, Root.type), role=Root.type, where=folder)
        if len(before) == 1:  # 1: both may sign
            fresh = keys.make()
            for name in roles:
                change.state.root.signed.add_key(fresh.public_key, name)
            signers = [*signers, fresh] if role == Root.type else signers
            _next_root(change, signers)
        *old, new = _key_ids(change, roles[0])
        if role == ONLINE:  # 2: both sign everything, the bins by the new one alone
            _hand_over_bins(change, new)
        change.commit()
        for key_id in old:  # 3: the new one alone
            for name in roles:
                change.state.root.signed.revoke_key(key_id, name)
        _next_root(change, keys.signers(_key_ids(change, Root.type)))
        for key_id in old:
            keys.forget(key_id)
    return new


def _hand_over_bins(change: Change, key_id: str) -> None:
    delegations = change.state.targets.signed.delegations
    if delegations is not None and delegations.succinct_roles is not None:
        change.renew()  # reads and verifies all bins with the key that counted so far
        delegations.keys = {key_id: change.state.root.signed.keys[key_id]}
        delegations.succinct_roles.keyids = [key_id]


def _key_ids(change: Change, role: str) -> list[str]:
    return list(change.state.root.signed.roles[role].keyids)


def _root_is_due(change: Change) -> bool:
    return change.state.root.signed.expires - change.now < ROOT_PERIOD / 2


def _next_root(change: Change, signers: Sequence[CryptoSigner]) -> None:
    """Write the next root; it counts from the moment that its file has its name."""
    root = change.state.root
    root.signed.version += 1
    root.signed.expires = change.now + ROOT_PERIOD
    root.signatures.clear()
    for signer in signers:
        root.sign(signer, append=True)
    path = change.state.metadata / f"{root.signed.version}.root.json"
    durable.write(path, root.to_bytes(), mode=files.FILE_MODE)
