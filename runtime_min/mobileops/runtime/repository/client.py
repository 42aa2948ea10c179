"""Read one repository, verified with python-tuf from the root that this host holds of it.

The order is that of The Update Framework, section 5: root, timestamp, snapshot, targets, and the one bin that a plugin
is in; then the plugin's document by its digest, then blobs by theirs. What was verified is kept, so that an older
state is refused later (rollback), and an unchanged one costs one request.
"""

from __future__ import annotations

import datetime
import hashlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import quote

from tuf.api import exceptions
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from mobileops.errors import MobileOpsError, NotFoundError, RefusedError
from mobileops.runtime import __version__, durable
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.repository import document as documents
from mobileops.runtime.repository import layout
from mobileops.runtime.repository.faults import fault
from mobileops.runtime.repository.fetcher import Fetcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tuf.api.metadata import TargetFile

    from mobileops.runtime.repository.configured import Remote
    from mobileops.runtime.repository.document import Blob, Document

ROOT: Final = "root.json"
LIMITS: Final = UpdaterConfig(
    root_max_length=layout.MAX_ROOT_BYTES,
    timestamp_max_length=layout.MAX_TIMESTAMP_BYTES,
    snapshot_max_length=layout.MAX_SNAPSHOT_BYTES,
    targets_max_length=layout.MAX_TARGETS_BYTES,
)


class Client:
    """One repository, in the state that it had when it was opened.

    Args:
        remote: which.
        folder: where this host keeps what it knows of it.
        fetcher: gets files.
        now: the time, for tests.
    """

    def __init__(
        self, remote: Remote, folder: Path, *, fetcher: Fetcher | None = None, now: datetime.datetime | None = None
    ) -> None:
        self.remote = remote
        self.folder = folder
        self.fetcher = fetcher or Fetcher(f"mobileops/{__version__}")
        self._now = now or datetime.datetime.now(datetime.UTC)
        self._updater: Updater | None = None
        self.expired_at: datetime.datetime | None = None

    def trust_first(self, fingerprint: str | None = None) -> str:
        """Fetch the repository's first root and hold on to it; return its SHA-256, lowercase hex.

        Raises:
            RefusedError: ``MOP6114``, it is another root than `fingerprint` says, or came unencrypted without one.
            MobileOpsError: it cannot be fetched.
        """
        if fingerprint is None and self.remote.url.startswith("http:"):
            raise _unconfirmed(self.remote, "comes unencrypted, and no fingerprint was given")
        with self._alone():
            data = self.fetcher.download_bytes(self._url(f"metadata/{layout.FIRST_ROOT}"), layout.MAX_ROOT_BYTES)
        found = hashlib.sha256(data).hexdigest()
        if fingerprint is not None and found != fingerprint.lower():
            raise _unconfirmed(self.remote, f"has the fingerprint {found}, not {fingerprint}")
        self.trust(data)
        return found

    def trust(self, root: bytes) -> None:
        """Hold on to a root: the one thing about a repository that is believed without proof."""
        with self._alone():
            durable.write(self.folder / ROOT, root, mode=0o644)

    def refresh(self) -> None:
        """Learn the repository's present state; done once, by whatever needs it first.

        Raises:
            RefusedError: it cannot prove its state (``MOP6102`` to ``MOP6105``).
            HostFault: it cannot be reached (``MOP6101``, ``MOP6106``).
        """
        if self._updater is None:
            with self._alone():
                updater = self.updater()
                updater.refresh()
                self.expired_at = self._expiry(updater)
                self._updater = updater

    def updater(self) -> Updater:
        """Return python-tuf's client, set up with this repository's root, bounds and tolerance; nothing is fetched."""
        metadata = self.folder / "metadata"
        metadata.mkdir(mode=0o700, parents=True, exist_ok=True)
        updater = Updater(
            metadata_dir=str(metadata),
            metadata_base_url=self._url("metadata"),
            fetcher=self.fetcher,
            config=LIMITS,
            bootstrap=self._root(),
        )
        # python-tuf has no public way to tolerate a stale repository (its issue 2359); its tests move the same value.
        trusted = updater._trusted_set  # noqa: SLF001 - see above
        trusted.reference_time = self._now - datetime.timedelta(seconds=self.remote.max_stale_s)
        return updater

    def document(self, name: str) -> Document | None:
        """Return what the repository says about a plugin, None if it does not have it.

        Raises:
            RefusedError, HostFault: as `refresh`; ``MOP6107`` the document is another one, ``MOP6108`` malformed.
        """
        data = self.target(layout.document_path(name), limit=layout.MAX_DOCUMENT_BYTES)
        if data is None:
            return None
        where = self._url(layout.document_path(name))
        found = documents.decode(data, where=where)
        if found.name != name:
            raise RefusedError(
                f"the document of {name!r} is about {found.name!r}",
                code="MOP6108",
                where=where,
                why="a document is found by the name of its plugin",
                fix="tell whoever runs the repository",
            )
        return found

    def search_manifest(self) -> bytes | None:
        """Return the bytes of ``search.json``, None if there is none."""
        return self.target(layout.SEARCH, limit=layout.MAX_SEARCH_BYTES)

    def save(self, blob: Blob, stream: IO[bytes]) -> None:
        """Write a blob; what was written counts only if this returns.

        Raises:
            RefusedError: ``MOP6105`` it is longer, ``MOP6107`` it is another one than its digest says.
            HostFault: it cannot be fetched, or not be written.
        """
        digest, received = hashlib.sha256(), 0
        with self._reading():
            for chunk in self.fetcher.fetch(self._url(layout.blob_path(blob.sha256))):
                received += len(chunk)
                if received > blob.size_bytes:
                    message = f"{blob.sha256} has more than {blob.size_bytes} bytes"
                    raise exceptions.DownloadLengthMismatchError(message)
                digest.update(chunk)
                stream.write(chunk)
            if (digest.hexdigest(), received) != (blob.sha256, blob.size_bytes):
                message = f"{received} bytes with the digest {digest.hexdigest()} in the place of {blob.sha256}"
                raise exceptions.LengthOrHashMismatchError(message)

    def target(self, path: str, *, limit: int) -> bytes | None:
        """Return the content of a target, None if there is none; one that was fetched before is not fetched again.

        Raises:
            RefusedError, HostFault: as `refresh`; ``MOP6105`` it is larger than `limit`, ``MOP6107`` another one.
        """
        self.refresh()
        with self._alone():
            info = self._updater.get_targetinfo(path) if self._updater else None
            if info is None or self._updater is None:
                return None
            if info.length > limit:
                message = f"{path} has {info.length} bytes, more than {limit}"
                raise exceptions.DownloadLengthMismatchError(message)
            known = self._known(info)
            if known is None:
                self._updater.download_target(info, str(self._kept(info)), self._url(layout.TARGETS))
                known = read_regular(self._kept(info), limit=info.length)
            return known

    def _known(self, info: TargetFile) -> bytes | None:
        """Return a target that was fetched before, if it is still the one that counts."""
        try:
            data = read_regular(self._kept(info), limit=info.length)
            info.verify_length_and_hashes(data)
        except (OSError, exceptions.LengthOrHashMismatchError):
            return None
        return data

    def _kept(self, info: TargetFile) -> Path:
        return self.folder / layout.TARGETS / quote(info.path, safe="")

    def _expiry(self, updater: Updater) -> datetime.datetime | None:
        """Return when the state expired that is accepted nevertheless, None if it has not."""
        trusted = updater._trusted_set  # noqa: SLF001 - see updater()
        expiry = min(trusted.timestamp.expires, trusted.snapshot.expires, trusted.root.expires)
        return expiry if expiry <= self._now else None

    def _root(self) -> bytes:
        try:
            return read_regular(self.folder / ROOT, limit=layout.MAX_ROOT_BYTES)
        except FileNotFoundError as error:
            raise NotFoundError(
                f"this host holds no root of the repository {self.remote.name!r}",
                code="MOP6114",
                where=str(self.folder / ROOT),
                why="whatever a repository says is verified from a root on",
                fix=f"mobileops repo add {self.remote.name} {self.remote.url}",
            ) from error

    def _url(self, path: str) -> str:
        return f"{self.remote.url.rstrip('/')}/{path}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others of this host out of the folder: python-tuf's client expects to be the only one there."""
        with self._reading():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with durable.locked(self.folder / "lock"):
                yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn every error into ours, and hold on to no connection after one."""
        try:
            yield
        except MobileOpsError:
            raise
        except Exception as error:  # python-tuf, urllib3 and what they parse raise what they like
            self.fetcher.close()
            raise fault(error, self.remote) from error


def _unconfirmed(remote: Remote, what: str) -> RefusedError:
    return RefusedError(
        f"the first root of the repository {remote.name!r} {what}",
        code="MOP6114",
        where=remote.url,
        why="everything that the repository says is verified from this root on",
        fix="ask whoever runs it for the fingerprint ('mobileops repo list' shows it there): --fingerprint HEX",
    )
