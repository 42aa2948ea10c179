"""What a repository's folder holds, as far as its timestamp commits to it and its signatures prove it.

A publisher signs what it has read before. So whatever it reads is verified first, from the newest root on, as a device
would, but for expiry: an expired repository is what signing anew is for. Otherwise somebody who can write the folder,
and has no key, could have his own words signed by the next publisher.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from mobileops.errors import NotFoundError, RefusedError
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.repository import layout

if TYPE_CHECKING:
    from pathlib import Path

    from tuf.api.metadata import MetaFile, SuccinctRoles

    from mobileops.runtime.repository.document import Blob

T = TypeVar("T", Root, Timestamp, Snapshot, Targets)


class State:
    """The committed, verified state of a repository; bins are read when they are needed.

    Attributes:
        folder: of the repository.
        root, timestamp, snapshot, targets: the four roles; they may be changed before they are signed again.
    """

    def __init__(self, folder: Path) -> None:
        """Read the top of the tree.

        Raises:
            NotFoundError: ``MOP6122``, there is no repository in the folder.
            RefusedError: ``MOP6123``, it does not verify.
        """
        self.folder = folder
        self.metadata = folder / layout.METADATA
        self._bins: dict[str, Metadata[Targets]] = {}
        version = newest_root(folder)
        try:
            self.root: Metadata[Root] = self._read(f"{version}.root.json", Root, layout.MAX_ROOT_BYTES)
            self.root.verify_delegate(Root.type, self.root)
            self.timestamp: Metadata[Timestamp] = self._read("timestamp.json", Timestamp, layout.MAX_TIMESTAMP_BYTES)
            self.root.verify_delegate(Timestamp.type, self.timestamp)
            self.snapshot = self._snapshot(self.timestamp.signed.snapshot_meta)
            name = f"{self.snapshot.signed.meta['targets.json'].version}.targets.json"
            self.targets: Metadata[Targets] = self._read(name, Targets, layout.MAX_TARGETS_BYTES)
            self.root.verify_delegate(Targets.type, self.targets)
        except (OSError, KeyError, ValueError, RepositoryError, DeserializationError) as error:
            raise _unproven(folder, error) from error

    @property
    def bins(self) -> SuccinctRoles:
        """The delegation to the bins."""
        delegations = self.targets.signed.delegations
        if delegations is None or delegations.succinct_roles is None:
            raise _unproven(self.folder, ValueError("there are no bins"))
        return delegations.succinct_roles

    def bin(self, name: str) -> Metadata[Targets]:
        """Return a bin.

        Raises:
            RefusedError: ``MOP6123``, it does not verify.
        """
        if name not in self._bins:
            try:
                file_name = f"{self.snapshot.signed.meta[f'{name}.json'].version}.{name}.json"
                found: Metadata[Targets] = self._read(file_name, Targets, layout.MAX_TARGETS_BYTES)
                self.targets.verify_delegate(name, found)
            except (OSError, KeyError, ValueError, RepositoryError, DeserializationError) as error:
                raise _unproven(self.folder, error) from error
            self._bins[name] = found
        return self._bins[name]

    def holder(self, path: str) -> tuple[str, Metadata[Targets]]:
        """Return the role that lists a target, with its name: ``search.json`` is in targets, all else in a bin."""
        if path == layout.SEARCH:
            return Targets.type, self.targets
        name = self.bins.get_role_for_target(path)
        return name, self.bin(name)

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Return the content of a target, None if there is none.

        Raises:
            RefusedError: ``MOP6123``, it is not what its metadata says.
        """
        info = self.holder(path)[1].signed.targets.get(path)
        if info is None:
            return None
        try:
            data = read_regular(target_file(self.folder, path, info.hashes["sha256"]), limit=limit)
            info.verify_length_and_hashes(data)
        except (OSError, KeyError, RepositoryError) as error:
            raise _unproven(self.folder, error) from error
        return data

    def blob(self, blob: Blob) -> bytes:
        """Return the content of a blob.

        Raises:
            RefusedError: ``MOP6123``, it is not what its digest says.
        """
        try:
            data = read_regular(self.folder / layout.blob_path(blob.sha256), limit=blob.size_bytes)
        except OSError as error:
            raise _unproven(self.folder, error) from error
        if hashlib.sha256(data).hexdigest() != blob.sha256:
            raise _unproven(self.folder, ValueError(f"the blob {blob.sha256} has other bytes"))
        return data

    def _snapshot(self, meta: MetaFile) -> Metadata[Snapshot]:
        name = f"{meta.version}.snapshot.json"
        data = read_regular(self.metadata / name, limit=layout.MAX_SNAPSHOT_BYTES)
        meta.verify_length_and_hashes(data)
        found: Metadata[Snapshot] = Metadata.from_bytes(data)
        self.root.verify_delegate(Snapshot.type, found)
        return found

    def _read(self, name: str, role: type[T], limit: int) -> Metadata[T]:
        found: Metadata[T] = Metadata.from_bytes(read_regular(self.metadata / name, limit=limit))
        if not isinstance(found.signed, role):
            message = f"{name} is of type {found.signed.type!r}"
            raise ValueError(message)  # noqa: TRY004 - one of the ways in which the folder does not verify
        return found


def newest_root(folder: Path) -> int:
    """Return the version of the newest root in a repository's folder.

    Raises:
        NotFoundError: ``MOP6122``, there is no repository in the folder.
    """
    metadata = folder / layout.METADATA
    version = 0
    while (metadata / f"{version + 1}.root.json").is_file():  # as a device looks for them
        version += 1
    if not version or not (metadata / layout.TIMESTAMP).is_file():
        raise NotFoundError(
            f"there is no repository in {str(folder)!r}",
            code="MOP6122",
            where=str(folder),
            why=f"a repository has {layout.METADATA}/{layout.TIMESTAMP}, and {layout.METADATA}/{layout.FIRST_ROOT}",
            fix="mobileops repo init [FOLDER] makes one; without a folder 'publish' uses the local one",
        )
    return version


def target_file(folder: Path, path: str, sha256: str) -> Path:
    """Return where a target lies: its name begins with its digest (TUF, section 6.2)."""
    place = folder / layout.TARGETS / path
    return place.with_name(f"{sha256}.{place.name}")


def _unproven(folder: Path, error: Exception) -> RefusedError:
    return RefusedError(
        f"the repository does not verify: {type(error).__name__}: {error!s:.300}",
        code="MOP6123",
        where=str(folder),
        why="a publisher signs what it has read, so whatever is in the folder has to be signed already",
        fix="restore the folder from a copy, or make a new repository and publish the bundles again",
    )
