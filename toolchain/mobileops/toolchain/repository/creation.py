"""Make a new repository: two keys, a root, 256 empty bins, and the timestamp last."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import (
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    Targets,
    Timestamp,
)

from mobileops.errors import HostFault, UsageError
from mobileops.runtime import durable
from mobileops.runtime.repository import layout
from mobileops.toolchain.repository import files
from mobileops.toolchain.repository.change import (
    SNAPSHOT_PERIOD,
    TARGETS_PERIOD,
    TIMESTAMP_PERIOD,
    locked,
    present,
)

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

    from mobileops.toolchain.repository.keys import Keyring

ROOT_PERIOD: Final = datetime.timedelta(days=3 * 365)
ONLINE_ROLES: Final = (Timestamp.type, Snapshot.type, Targets.type)
ALLOWED: Final = frozenset({files.STAGING, "lock", layout.METADATA})


def create(folder: Path, keys: Keyring, *, now: datetime.datetime | None = None) -> bool:
    """Make a repository in a folder; return False if there is one already.

    Raises:
        UsageError: ``MOP6126``, the folder has other things in it.
        HostFault: ``MOP6125``, the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(files.FOLDER_MODE)
    except OSError as error:
        raise HostFault(
            f"the repository cannot be made: {error.strerror}",
            code="MOP6125",
            where=str(folder),
            fix="name a folder that this account may make",
        ) from error
    with locked(folder):
        if (folder / layout.METADATA / layout.TIMESTAMP).exists():
            return False
        _refuse_strangers(folder)
        files.sweep(folder)
        _fill(folder, keys, now or present())
    return True


def _fill(folder: Path, keys: Keyring, now: datetime.datetime) -> None:
    metadata = folder / layout.METADATA
    root_key, online_key = keys.make(), keys.make()
    content = {metadata / layout.FIRST_ROOT: _root(root_key, online_key, now).to_bytes()}
    bins = SuccinctRoles([online_key.public_key.keyid], 1, layout.BIN_BITS, layout.BIN_PREFIX)
    delegations = Delegations({online_key.public_key.keyid: online_key.public_key}, succinct_roles=bins)
    roles = dict.fromkeys(bins.get_roles(), Targets(expires=now + TARGETS_PERIOD))
    roles[Targets.type] = Targets(expires=now + TARGETS_PERIOD, delegations=delegations)
    for name, role in roles.items():
        content[metadata / f"1.{name}.json"] = _signed(Metadata(role), online_key)
    meta = {f"{name}.json": MetaFile(1) for name in roles}
    snapshot = _signed(Metadata(Snapshot(expires=now + SNAPSHOT_PERIOD, meta=meta)), online_key)
    content[metadata / "1.snapshot.json"] = snapshot
    files.write(folder, content)
    snapshot_meta = MetaFile.from_data(1, snapshot, ["sha256"])
    timestamp = Metadata(Timestamp(expires=now + TIMESTAMP_PERIOD, snapshot_meta=snapshot_meta))
    durable.write(metadata / layout.TIMESTAMP, _signed(timestamp, online_key), mode=files.FILE_MODE)


def _root(root_key: CryptoSigner, online_key: CryptoSigner, now: datetime.datetime) -> Metadata[Root]:
    root = Metadata(Root(expires=now + ROOT_PERIOD, consistent_snapshot=True))
    root.signed.add_key(root_key.public_key, Root.type)
    for role in ONLINE_ROLES:
        root.signed.add_key(online_key.public_key, role)
    root.sign(root_key)
    return root


def _signed(role: Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets], key: CryptoSigner) -> bytes:
    role.sign(key)
    return role.to_bytes()


def _refuse_strangers(folder: Path) -> None:
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in ALLOWED)
    if strangers:
        raise UsageError(
            f"{str(folder)!r} has other things in it: {', '.join(strangers[:3])}",
            code="MOP6126",
            where=str(folder),
            why="a repository is a folder of its own, that is served as it is",
            fix="name an empty folder, or one that is not there yet",
        )
