"""One commit of a repository: everything new is on disk before ``timestamp.json`` is replaced.

The order is blobs, then documents, lists, bins, targets and snapshot, and then the timestamp: that one rename is the
commit. A version number is never used twice, not even after a crash: one that lies on disk is taken. What a commit
supersedes stays for a while, for devices that have read the older snapshot.
"""

from __future__ import annotations

import datetime
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import MetaFile, Snapshot, TargetFile, Targets, Timestamp

from mobileops.errors import HostFault
from mobileops.runtime import durable
from mobileops.runtime.repository import layout
from mobileops.runtime.repository.document import Blob
from mobileops.toolchain.repository import files, superseded
from mobileops.toolchain.repository.state import State, newest_root, target_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuf.api.metadata import Metadata, Root

    from mobileops.toolchain.repository.keys import Keyring

LOCK: Final = "lock"
TIMESTAMP_PERIOD: Final = datetime.timedelta(days=7)
SNAPSHOT_PERIOD: Final = datetime.timedelta(days=90)
TARGETS_PERIOD: Final = datetime.timedelta(days=365)
"""Of targets and all bins, which are renewed together: targets expires no later than any bin."""


class Change:
    """A change of a repository that is being prepared; made by `changing`.

    Attributes:
        state: what was committed before.
        keys: of this account.
        now: when it is signed.
    """

    def __init__(self, state: State, keys: Keyring, *, now: datetime.datetime) -> None:
        self.state = state
        self.keys = keys
        self.now = now
        self._roles: dict[str, Metadata[Targets]] = {}
        self._files: dict[Path, bytes] = {}
        self._staged: dict[Path, Path] = {}
        self._used: set[Path] = set()
        self._superseded: list[Path] = []

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Return the content of a target, as `State.read`."""
        return self.state.read(path, limit=limit)

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the content of a target."""
        name, role = self.state.holder(path)
        info = TargetFile.from_data(path, data, ["sha256"])
        before = role.signed.targets.get(path)
        if before is not None and before.hashes == info.hashes:
            return
        if before is not None:
            self._superseded.append(target_file(self.state.folder, path, before.hashes["sha256"]))
        role.signed.targets[path] = info
        self._roles[name] = role
        self._files[target_file(self.state.folder, path, info.hashes["sha256"])] = data

    def add(self, data: bytes) -> Blob:
        """Keep some bytes as a blob."""
        blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
        self._files[self._place(blob)] = data
        return blob

    def add_file(self, source: Path, blob: Blob) -> None:
        """Keep a file as a blob.

        Raises:
            HostFault: ``MOP6124``, the file is not the one any more that the digest says.
        """
        place = self._place(blob)
        self._used.add(place)
        if not place.exists():
            self._staged[place] = files.stage(self.state.folder, source, blob)

    def bytes_of(self, blob: Blob) -> bytes:
        """Return the content of a blob that the state refers to."""
        return self.state.blob(blob)

    def supersede(self, blob: Blob) -> None:
        """Let a blob be removed that nothing refers to after this change."""
        self._superseded.append(self._place(blob))

    def renew(self) -> None:
        """Sign targets and all bins anew, with whatever keys count now."""
        self.state.targets.signed.expires = self.now + TARGETS_PERIOD
        self._roles |= {name: self.state.bin(name) for name in self.state.bins.get_roles()}
        self._roles[Targets.type] = self.state.targets

    def is_due(self) -> bool:
        """Whether something is past half of its time, and should be signed anew."""
        state = self.state
        return (
            self._is_old(state.timestamp, TIMESTAMP_PERIOD)
            or self._is_old(state.snapshot, SNAPSHOT_PERIOD)
            or self._is_old(state.targets, TARGETS_PERIOD)
        )

    def commit(self) -> None:
        """Sign what was changed and what is past half of its time, write it, and commit."""
        if self._is_old(self.state.targets, TARGETS_PERIOD):
            self.renew()
        for name, role in self._roles.items():
            self._sign_targets(name, role)
        if self._roles or self._is_old(self.state.snapshot, SNAPSHOT_PERIOD):
            self._sign_snapshot()
        timestamp = self.state.timestamp
        timestamp.signed.version += 1
        timestamp.signed.expires = self.now + TIMESTAMP_PERIOD
        self._sign(timestamp, Timestamp.type)
        files.write(self.state.folder, self._files, self._staged)
        durable.write(self.state.metadata / layout.TIMESTAMP, timestamp.to_bytes(), mode=files.FILE_MODE)  # the commit
        used = {*self._files, *self._used}
        superseded.note(self.state.folder, self._superseded, used=used, now=self.now.timestamp())

    def _is_old(
        self, role: Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets], period: datetime.timedelta
    ) -> bool:
        return role.signed.expires - self.now < period / 2

    def _sign_targets(self, name: str, role: Metadata[Targets]) -> None:
        if name != Targets.type:
            role.signed.expires = self.now + TARGETS_PERIOD
        meta = self.state.snapshot.signed.meta
        before = meta[f"{name}.json"].version
        role.signed.version = self._next(name, before)
        self._sign(role, name)
        self._stage(name, role, before=before)
        meta[f"{name}.json"] = MetaFile(role.signed.version)

    def _sign_snapshot(self) -> None:
        snapshot = self.state.snapshot
        before = snapshot.signed.version
        snapshot.signed.version = self._next(Snapshot.type, before)
        snapshot.signed.expires = self.now + SNAPSHOT_PERIOD
        self._sign(snapshot, Snapshot.type)
        data = self._stage(Snapshot.type, snapshot, before=before)
        self.state.timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])

    def _sign(self, role: Metadata[Timestamp] | Metadata[Snapshot] | Metadata[Targets], name: str) -> None:
        """Sign with every key of this account that may: while a key is replaced, both do."""
        root, targets = self.state.root.signed, self.state.targets.signed
        delegator: Root | Targets = targets if name.startswith(layout.BIN_PREFIX) else root
        key_ids = delegator.get_delegated_role(name).keyids
        role.signatures.clear()
        for signer in self.keys.required(key_ids, role=name, where=self.state.folder):
            role.sign(signer, append=True)

    def _stage(self, name: str, role: Metadata[Snapshot] | Metadata[Targets], *, before: int) -> bytes:
        data = role.to_bytes()
        self._files[self.state.metadata / f"{role.signed.version}.{name}.json"] = data
        self._superseded.append(self.state.metadata / f"{before}.{name}.json")
        return data

    def _next(self, name: str, version: int) -> int:
        """Return a version number that was never used: a crash may have left files of higher ones."""
        while (self.state.metadata / f"{version + 1}.{name}.json").exists():
            version += 1
        return version + 1

    def _place(self, blob: Blob) -> Path:
        return self.state.folder / layout.blob_path(blob.sha256)


@contextmanager
def changing(folder: Path, keys: Keyring, *, now: datetime.datetime | None = None) -> Iterator[Change]:
    """Hold the lock of a repository and hand out a change of its present state; the block commits it, or not.

    Raises:
        NotFoundError: ``MOP6122``, there is no repository; ``MOP6121``, this account has no key of it.
        RefusedError: ``MOP6123``, its state does not verify.
        HostFault: ``MOP6125``, the disk refuses; the state before holds.
    """
    with opened(folder):
        files.sweep(folder)
        yield Change(State(folder), keys, now=now or present())


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Hold the lock of a repository that is there; a folder that is none gets no lock file.

    Raises:
        NotFoundError: ``MOP6122``, there is no repository in the folder.
        HostFault: ``MOP6125``, the disk refuses.
    """
    with disk_errors(folder):
        newest_root(folder)
        with durable.locked(folder / LOCK):
            yield


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder in which a repository is, or is being made.

    Raises:
        HostFault: ``MOP6125``, the disk refuses.
    """
    with disk_errors(folder), durable.locked(folder / LOCK):
        yield


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk says about a repository into our error.

    Raises:
        HostFault: ``MOP6125``, the disk refuses.
    """
    try:
        yield
    except OSError as error:
        raise HostFault(
            f"the repository cannot be changed: {error.strerror or error}",
            code="MOP6125",
            where=str(error.filename or folder),
            why="the state before holds: a change counts from the moment that timestamp.json is replaced",
            fix="check that the folder exists, its permissions and free space, then repeat the command",
        ) from error


def present() -> datetime.datetime:
    """Return the time as metadata has it: UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
