"""A bundle, read strictly: archive, manifest and file table agree before anybody sees any of them.

`open_bundle` checks, in this order, and refuses at the first broken rule:

1. the file is one regular file, its records explain every byte (`mobileops.bundle.records`);
2. ``plugin.json`` inflates to what it declares, is a valid manifest and is canonical;
3. ``.mobileops/files.json`` likewise, and is a valid, canonical table;
4. the table lists exactly the other members, with the declared sizes and modes.

Afterwards only the bytes of the other members are unchecked. `Bundle.check_members` inflates all of them and compares
checksums and digests; `Bundle.extract` does so before the first byte is written, and again for what it reads again.
Nothing here looks at a signature: see ``mobileops.runtime.trust``.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import threading
from typing import TYPE_CHECKING, Final, Self

from mobileops.bundle import layout
from mobileops.bundle.archive import Archive
from mobileops.bundle.codes import Code
from mobileops.bundle.digest import sha256_of_descriptor
from mobileops.bundle.extraction import write_tree
from mobileops.bundle.files import FileEntry, FileTable
from mobileops.bundle.kept import Kept
from mobileops.bundle.limits import MAX_FILES_BYTES, MAX_KEPT_BYTES, MAX_MANIFEST_BYTES
from mobileops.bundle.refusal import member_place, refuse
from mobileops.errors import BundleRefused, ManifestError, NotFoundError
from mobileops.manifest import Manifest, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mobileops.bundle.flushing import Flusher
    from mobileops.bundle.records import Member


_THREADS_PAY_FROM_BYTES: Final = 1 << 20


def open_bundle(path: Path) -> Bundle:
    """Open the bundle at `path`; close it with ``with`` or `Bundle.close`.

    Raises:
        NotFoundError: there is no such file.
        BundleRefused: the file is outside the strict profile (``MOP20xx`` to ``MOP23xx``).
    """
    archive = Archive(path)
    try:
        return Bundle(path, archive)
    except BaseException:
        archive.close()
        raise


def _halves(members: Sequence[Member]) -> tuple[Sequence[Member], Sequence[Member]]:
    """Return members in two parts of about the same size; the second is empty when a thread would only cost."""
    sizes = list(itertools.accumulate(member.size for member in members))
    middle = len(members) if sizes[-1] < _THREADS_PAY_FROM_BYTES else bisect.bisect_left(sizes, sizes[-1] / 2) + 1
    return members[:middle], members[middle:]


class Bundle:
    """An open bundle. Made by `open_bundle`.

    Attributes:
        path: where the file was opened; it is not looked up again.
        members: in the order of the archive.
        manifest: the checked plugin.json.
        files: the checked file table.
        files_digest: SHA-256 of the bytes of the file table, lowercase hex digits.
        size_bytes: of the whole file.
    """

    __slots__ = (
        "_archive",
        "_by_name",
        "_kept",
        "_sha256",
        "files",
        "files_digest",
        "manifest",
        "members",
        "path",
        "size_bytes",
    )

    def __init__(self, path: Path, archive: Archive) -> None:
        self.path = path
        self.members = archive.members
        self.size_bytes = archive.size_bytes
        self._archive = archive
        self._by_name = {member.name: member for member in archive.members}
        self._kept: Kept | None = None
        self._sha256 = ""
        manifest_bytes = self.read(layout.MANIFEST_MEMBER, limit=MAX_MANIFEST_BYTES)
        self.manifest = self._parse_manifest(manifest_bytes)
        files_bytes = self.read(layout.FILES_MEMBER, limit=MAX_FILES_BYTES)
        self.files_digest = hashlib.sha256(files_bytes).hexdigest()
        where = member_place(archive.where, layout.FILES_MEMBER.encode())
        self.files = FileTable.parse(files_bytes, where=where, valid=self._by_name.keys())
        self._check_table()
        self._compare(layout.MANIFEST_MEMBER, len(manifest_bytes), hashlib.sha256(manifest_bytes).hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._archive.close()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the whole file, lowercase hex digits; it is computed once."""
        if not self._sha256:
            try:
                self._sha256 = sha256_of_descriptor(self._archive.fileno(), size=self.size_bytes)
            except OSError as error:
                what = f"the file cannot be read: {error.strerror}"
                refuse(Code.UNREADABLE, what, where=self._archive.where, cause=error)
        return self._sha256

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the bytes of the member `name`, which may have at most `limit` bytes.

        Raises:
            NotFoundError: there is no such member.
            BundleRefused: it is larger (MOP2313), or its data are not what its records declare.
        """
        member = self._member(name)
        if member.size > limit:
            what = f"the member has {member.size} bytes, over {limit}"
            refuse(Code.READ_LIMIT, what, where=self._archive.place(member))
        return b"".join(self._archive.chunks(member))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of the member `name` in pieces of at most `limits.CHUNK_BYTES`, whatever its size.

        Raises:
            NotFoundError: there is no such member.
            BundleRefused: its data are not what its records or the file table declare.
        """
        return self._checked_chunks(self._member(name))

    def check_members(self, *, keep: bool = False) -> None:
        """Inflate every member and compare it with the file table.

        Args:
            keep: hold what fits into `limits.MAX_KEPT_BYTES` until `extract` writes it.

        Raises:
            BundleRefused: with the code of the first member that is wrong; nothing else is ever raised.
        """
        self._kept = self._check_all(Kept(MAX_KEPT_BYTES if keep else 0))

    def _check_all(self, kept: Kept) -> Kept:
        """Check the members in two threads, each half of the bytes; the refusal is that of the first wrong member."""
        first, second = _halves(self.members)
        refusals: tuple[list[BundleRefused], list[BundleRefused]] = ([], [])
        other = self._in_thread(second, refusals[1], kept) if second else None
        try:
            self._check(first, refusals[0], kept)
        finally:
            if other:
                other.join()
        for refusal in itertools.chain(*refusals):
            raise refusal
        return kept

    def _in_thread(self, members: Sequence[Member], wrong: list[BundleRefused], kept: Kept) -> threading.Thread:
        thread = threading.Thread(target=self._check, args=(members, wrong, kept), name="check")
        thread.start()
        return thread

    def _check(self, members: Sequence[Member], wrong: list[BundleRefused], kept: Kept) -> None:
        try:
            for member in members:
                kept.keep(member, self._checked_chunks(member))
        except BundleRefused as refusal:
            wrong.append(refusal)

    def extract(self, into: Path, *, flusher: Flusher | None = None) -> None:
        """Write all members below `into`, which must be an empty folder or not exist (its parent must).

        Every member is checked before the first byte is written; what is not kept in memory since then is checked
        again while it is written. Files are created
        exclusively, never through a link, with the modes of the table whatever the umask; files and folders are
        flushed to disk. When anything fails, everything written is removed again.

        Args:
            into: the folder.
            flusher: of the caller, see `mobileops.bundle.extraction.write_tree`.

        Raises:
            BundleRefused: a member is wrong.
            HostFault: the folder is not empty (MOP2314) or the disk refuses (MOP2315).
        """
        kept = self._kept or self._check_all(Kept(MAX_KEPT_BYTES))
        write_tree(into, self._content(kept), count=len(self.members), flusher=flusher)

    def _content(self, kept: Kept) -> Iterator[tuple[str, int, bytes | Iterator[bytes]]]:
        """Yield name, mode and content of each member; what was not kept is checked again while it is read."""
        for member in self.members:
            whole = kept.take(member)
            yield member.name, member.mode, self._checked_chunks(member) if whole is None else whole

    def _member(self, name: str) -> Member:
        member = self._by_name.get(name)
        if member is None:
            raise NotFoundError(
                f"the bundle has no member {name!r}",
                code=Code.NO_MEMBER.value,
                where=self._archive.where,
                fix="list the members with 'mobileops inspect'",
            )
        return member

    def _parse_manifest(self, data: bytes) -> Manifest:
        where = member_place(self._archive.where, layout.MANIFEST_MEMBER.encode())
        try:
            manifest = parse(data, where=where)
        except ManifestError as error:
            refuse(Code.MANIFEST, error.what, where=error.where or where, why=f"{error.code}: {error.why}", cause=error)
        if manifest.canonical() != data:
            refuse(Code.MANIFEST_CANONICAL, "plugin.json is not canonical JSON", where=where)
        return manifest

    def _check_table(self) -> None:
        for member in self.members:
            if member.name == layout.FILES_MEMBER:
                # The table lists every mode but its own.
                if member.mode != layout.MODE_PLAIN:
                    what = f"the mode of the file table is {member.mode:04o}"
                    refuse(Code.MODE, what, where=self._archive.place(member), why="it is always 0644")
                continue
            entry = self.files.entries.get(member.name)
            if entry is None:
                refuse(Code.UNLISTED, "the file table does not list the member", where=self._archive.place(member))
            self._check_entry(member, entry)
        missing = sorted(self.files.entries.keys() - self._by_name.keys())
        if missing:
            what = f"the file table lists {missing[0]!r}, which is not in the archive"
            refuse(Code.MISSING, what, where=member_place(self._archive.where, missing[0].encode()))
        if layout.FILES_MEMBER in self.files.entries:
            refuse(Code.FILES, "the file table lists itself", where=self._archive.where)

    def _check_entry(self, member: Member, entry: FileEntry) -> None:
        if member.size != entry.size:
            what = f"the member has {member.size} bytes, listed are {entry.size}"
            refuse(Code.SIZE, what, where=self._archive.place(member))
        if member.mode != entry.mode:
            what = f"the mode of the member is {member.mode:04o}, listed is {entry.mode:04o}"
            refuse(Code.LISTED_MODE, what, where=self._archive.place(member))

    def _checked_chunks(self, member: Member) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in self._archive.chunks(member):
            digest.update(piece)
            yield piece
        self._compare(member.name, member.size, digest.hexdigest())

    def _compare(self, name: str, size: int, sha256: str) -> None:
        entry = FileEntry(size, self.files_digest, 0) if name == layout.FILES_MEMBER else self.files.entries[name]
        if sha256 != entry.sha256:
            what = f"the SHA-256 is {sha256}, listed is {entry.sha256}"
            refuse(Code.DIGEST, what, where=member_place(self._archive.where, name.encode()))
