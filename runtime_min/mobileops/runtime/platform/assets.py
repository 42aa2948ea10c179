"""The Asset Manager's store: files that are too large for a bundle, each under the SHA-256 of its content.

::

    assets/index.json       name -> {"sha256", "size", "added_at"}
    assets/sha256/DIGEST    the content; no name refers to it any more = removed

A plugin sees the second folder read-only, so adding a file while plugins run needs nothing of them. A file is copied
first, its digest taken on the way, and named last: a crash leaves at most a file without a name, which the next change
removes.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.errors import HostFault, NotFoundError, RefusedError, UsageError
from mobileops.runtime import durable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from mobileops.runtime.home import Home

MAX_ASSETS: Final = 10_000
MAX_INDEX_BYTES: Final = 4 << 20
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")  # asset_name of schema/plugin/v1
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_PIECE_BYTES: Final = 1 << 20
_LOCK: Final = "assets.lock"
_INCOMING: Final = ".incoming-"
_ABANDONED_S: Final = 3600.0


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a name stands for.

    Attributes:
        sha256: of the content, lowercase hex.
        size: in bytes.
        added_at: RFC 3339 UTC.
    """

    sha256: str
    size: int
    added_at: str


class Stored(msgspec.Struct, frozen=True):
    """An asset on the disk."""

    name: str
    entry: Entry
    path: Path


class Assets:
    """The assets of one home; any number of processes may use it."""

    def __init__(self, home: Home) -> None:
        """Use a prepared home."""
        self._home = home
        self._sound: dict[str, tuple[int, int, int, int]] = {}

    @property
    def contents(self) -> Path:
        """The folder with the files, which plugins see."""
        return self._home.asset_contents

    def all(self) -> list[Stored]:
        """Return every asset, by name."""
        return [self._stored(name, entry) for name, entry in sorted(self._index().items())]

    def add(self, name: str, source: BinaryIO, *, digest: str | None = None) -> Stored:
        """Copy a file into the store, under a name that may have stood for something else.

        Args:
            name: of the asset.
            source: its content.
            digest: ``sha256:`` and the hex digits that the content must have; None for whatever it has.

        Raises:
            UsageError: MOP5314, the name or the digest is not well formed, or there are too many.
            RefusedError: MOP5311, the content has another digest; nothing was added.
            OSError: the disk refused.
        """
        wanted = _checked(name, digest)
        temporary, entry = self._copy(source)
        try:
            if wanted is not None and entry.sha256 != wanted:
                raise RefusedError(
                    f"the content is not what it was to be: sha256:{entry.sha256}",
                    code="MOP5311",
                    where=name,
                    why=f"expected sha256:{wanted}",
                    fix="get the file again, or ask its publisher for the digest",
                )
            with durable.locked(self._home.run / _LOCK):
                index = self._index()
                if len(index) >= MAX_ASSETS and name not in index:
                    raise UsageError(f"{MAX_ASSETS} assets are stored", code="MOP5314", fix="remove one first")
                temporary.replace(self.contents / entry.sha256)
                durable.sync_folder(self.contents)
                self._commit({**index, name: entry})
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        return self._stored(name, entry)

    def remove(self, name: str) -> Stored:
        """Forget a name, and the content unless another name stands for it too.

        Raises:
            NotFoundError: MOP5310, there is no such asset.
        """
        with durable.locked(self._home.run / _LOCK):
            index = self._index()
            if name not in index:
                raise self._absent(name)
            entry = index.pop(name)
            self._commit(index)
        return self._stored(name, entry)

    def find(self, name: str, *, sha256: str | None = None) -> Stored:
        """Return the asset with a digest, under whatever name, or with a name when no digest is asked for.

        Raises:
            NotFoundError: MOP5310, there is no such asset.
            RefusedError: MOP5312, there is one of that name, with another content.
        """
        index = self._index()
        if sha256 is None or (name in index and index[name].sha256 == sha256):
            if name not in index:
                raise self._absent(name)
            return self._stored(name, index[name])
        for other, entry in index.items():
            if entry.sha256 == sha256:
                return self._stored(other, entry)
        if name not in index:
            raise self._absent(name)
        raise RefusedError(
            f"the asset {name!r} is not the one that the plugin declares",
            code="MOP5312",
            where=name,
            why=f"its digest is sha256:{index[name].sha256}, the plugin's manifest says sha256:{sha256}",
            fix=f"mobileops assets add NAME FILE --digest sha256:{sha256}",
        )

    def check(self, stored: Stored) -> None:
        """Make sure that a file still has the content that its name promises.

        A file that was found sound is not read again while its inode, size and times are the same.

        Raises:
            RefusedError: MOP5313, it has not.
        """
        try:
            with stored.path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                if self._sound.get(stored.entry.sha256) == mark:
                    return
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise self._damaged(stored, str(error.strerror)) from error
        if found != stored.entry.sha256:
            raise self._damaged(stored, f"its content is sha256:{found}")
        self._sound[stored.entry.sha256] = mark

    def _copy(self, source: BinaryIO) -> tuple[Path, Entry]:
        digest, size = hashlib.sha256(), 0
        descriptor, path = tempfile.mkstemp(dir=self.contents, prefix=_INCOMING)
        with os.fdopen(descriptor, "wb") as stream:
            try:
                while piece := source.read(_PIECE_BYTES):
                    digest.update(piece)
                    size += len(piece)
                    stream.write(piece)
                stream.flush()
                os.fchmod(stream.fileno(), stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
                os.fsync(stream.fileno())
            except BaseException:  # a full disk, Ctrl-C: no half of a file stays
                Path(path).unlink()
                raise
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return Path(path), Entry(digest.hexdigest(), size, now)

    def _index(self) -> dict[str, Entry]:
        path = self._home.assets / "index.json"
        try:
            with path.open("rb") as stream:
                return msgspec.json.decode(stream.read(MAX_INDEX_BYTES + 1), type=dict[str, Entry])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError as error:
            raise HostFault(
                f"the list of assets cannot be read: {error}",
                code="MOP5313",
                where=str(path),
                fix="remove it, and add the assets again",
            ) from error

    def _commit(self, index: Mapping[str, Entry]) -> None:
        """Write the list, then remove what nothing refers to; the lock is held."""
        data = msgspec.json.format(msgspec.json.encode(index, order="sorted"), indent=2)
        durable.write(self._home.assets / "index.json", data)
        kept = {entry.sha256 for entry in index.values()}
        for path in self.contents.iterdir():
            if path.name not in kept and not (path.name.startswith(_INCOMING) and _is_growing(path)):
                path.unlink(missing_ok=True)

    def _stored(self, name: str, entry: Entry) -> Stored:
        return Stored(name, entry, self.contents / entry.sha256)

    def _absent(self, name: str) -> NotFoundError:
        return NotFoundError(
            f"there is no asset {name!r}",
            code="MOP5310",
            where=str(self._home.assets),
            fix=f"mobileops assets add {name} FILE, or mobileops assets list",
        )

    def _damaged(self, stored: Stored, why: str) -> RefusedError:
        return RefusedError(
            f"the stored asset {stored.name!r} is damaged",
            code="MOP5313",
            where=str(stored.path),
            why=why,
            fix=f"mobileops assets add {stored.name} FILE, from its source",
        )


def _is_growing(path: Path) -> bool:
    """Whether another process may still be copying into a file; a crashed one's is removed by a later change."""
    try:
        return time.time() - path.stat().st_mtime < _ABANDONED_S
    except FileNotFoundError:
        return False


def _checked(name: str, digest: str | None) -> str | None:
    """Return the hex digits of a wanted digest.

    Raises:
        UsageError: MOP5314.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of an asset",
            code="MOP5314",
            why="it has lower-case letters, digits, '.', '_' and '-', at most 64, and begins and ends with no sign",
            fix='write it like "model-weights"',
        )
    if digest is None:
        return None
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise UsageError(
            f"{digest!r} is no digest", code="MOP5314", fix="write sha256: and 64 lower-case hexadecimal digits"
        )
    return match[1]
