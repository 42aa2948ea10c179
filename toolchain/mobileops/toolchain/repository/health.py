"""Read a repository completely, as nobody else does, and say what is missing, damaged or about to expire."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from mobileops.errors import MobileOpsError
from mobileops.runtime.repository import document as documents
from mobileops.runtime.repository import layout, search_log
from mobileops.toolchain.repository.change import opened, present
from mobileops.toolchain.repository.state import State

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator
    from pathlib import Path

    from mobileops.runtime.repository.document import Blob, Document
    from mobileops.toolchain.repository.keys import Keyring


class Health(NamedTuple):
    """What a complete reading found.

    Attributes:
        problems: in words; () if the repository is whole and has not expired.
        plugins, versions: how many.
        bytes: of all bundles.
        expires: when the first signature that devices need expires, RFC 3339.
        writable: whether this account has the online key.
    """

    problems: tuple[str, ...]
    plugins: int
    versions: int
    bytes: int
    expires: str
    writable: bool


def examine(folder: Path, keys: Keyring, *, now: datetime.datetime | None = None) -> Health:
    """Read every bin, document, blob and segment.

    Raises:
        NotFoundError: ``MOP6122``, there is no repository in the folder.
        RefusedError: ``MOP6123``, its top does not verify.
        HostFault: ``MOP6125``, the folder cannot be locked.
    """
    with opened(folder):
        state = State(folder)
        problems: list[str] = []
        found = list(_documents(state, problems))
        blobs = [blob for document in found for blob in _blobs(document)] + _segments(state, problems)
        problems += [text for blob in blobs if (text := _wrong(folder, blob))]
        expires = min(role.signed.expires for role in (state.root, state.timestamp, state.snapshot, state.targets))
        if expires <= (now or present()):
            problems.append(f"expired at {expires.isoformat()}: mobileops repo resign")
        releases = [release for document in found for release in document.releases]
        return Health(
            tuple(problems),
            plugins=len(found),
            versions=len(releases),
            bytes=sum(release.archive.size_bytes for release in releases),
            expires=expires.isoformat(),
            writable=bool(keys.signers(state.root.signed.roles["timestamp"].keyids)),
        )


def _documents(state: State, problems: list[str]) -> Iterator[Document]:
    for name in state.bins.get_roles():
        try:
            paths = sorted(state.bin(name).signed.targets)
        except MobileOpsError as error:
            problems.append(error.what)
            continue
        for path in paths:
            try:
                data = state.read(path, limit=layout.MAX_DOCUMENT_BYTES) or b""
                if path.startswith("index/"):
                    yield documents.decode(data, where=path)
            except MobileOpsError as error:
                problems.append(f"{path}: {error.what}")


def _blobs(document: Document) -> Iterator[Blob]:
    for release in document.releases:
        yield release.archive
        yield release.signature
        yield from (one.blob for one in release.evidence)


def _segments(state: State, problems: list[str]) -> list[Blob]:
    try:
        log = search_log.decode(state.read(layout.SEARCH, limit=layout.MAX_SEARCH_BYTES), where=layout.SEARCH)
    except MobileOpsError as error:
        problems.append(f"{layout.SEARCH}: {error.what}")
        return []
    return [segment.blob for segment in log.segments]


def _wrong(folder: Path, blob: Blob) -> str | None:
    """Return what is wrong with a blob, None if nothing is."""
    path = layout.blob_path(blob.sha256)
    try:
        with (folder / path).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if digest == blob.sha256 else f"{path}: other bytes than its name says"
