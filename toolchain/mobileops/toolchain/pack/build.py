"""Build a bundle from a source folder: plan, vendor, encode, write, rename.

Law: the bytes depend on the names, contents and execute bits of the files that go in, the locked wheels and the pinned
compressors, and on nothing else; `pack` of a copied tree gives the same file.
"""

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.bundle.digest import sha256_of_descriptor
from mobileops.bundle.filename import bundle_file_name
from mobileops.bundle.files import FileEntry, FileTable
from mobileops.bundle.layout import (
    FILES_MEMBER,
    MANIFEST_MEMBER,
    MODE_PLAIN,
    OVERRIDES_MEMBER,
    RESERVED_MEMBERS,
    SBOM_MEMBER,
    member_order,
)
from mobileops.toolchain.pack import content
from mobileops.toolchain.pack.archive_writer import ArchiveWriter
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.plan import check_limits, plan
from mobileops.toolchain.pack.planned import Planned
from mobileops.toolchain.pack.publish import appearing
from mobileops.toolchain.pack.vendor import vendored
from mobileops.toolchain.pack.work import Inline, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mobileops.toolchain.pack.large import LargeFile, Piece
    from mobileops.toolchain.pack.plan import Plan
    from mobileops.toolchain.pack.targets import Target
    from mobileops.toolchain.pack.work import Workers

    Progress = Callable[[int, int], None]
    Add = Callable[[ArchiveWriter], None]

_THREADS_PAY_FROM_BYTES: Final = 512 << 10
_ZERO_DIGEST: Final = "0" * 64


def _ignore(_done_bytes: int, _total_bytes: int) -> None:
    """Tell nobody."""


class Packed(NamedTuple):
    """A bundle on disk.

    Attributes:
        path: where it lies.
        sha256: of the file, lowercase hex digits.
        size_bytes: of the file.
        members: names, in the order of the bundle.
        excluded: (name, reason) of what was left out, sorted.
    """

    path: Path
    sha256: str
    size_bytes: int
    members: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...]


def pack(
    source: Path,
    out_dir: Path,
    *,
    planned: Plan | None = None,
    stored: bool = False,
    generated: Mapping[str, bytes] | None = None,
    wheels: Path | None = None,
    progress: Progress = _ignore,
    target: Target | None = None,
) -> Packed:
    """Build the bundle of the plugin in `source` and put it into `out_dir`, which is made if it is not there.

    The file appears complete and on disk, or not at all; an older one of the same name is replaced.

    Args:
        source: folder with plugin.json or plugin.yaml.
        out_dir: folder for the bundle; may lie inside `source`.
        planned: what `plan` said of the source; it is asked when this is None.
        stored: do not compress, so that the bytes do not depend on a compressor either.
        generated: content of further members of the format (``.mobileops/api.json``).
        wheels: folder to take locked wheels from instead of the package index.
        progress: told now and then how many bytes of how many have been packed.
        target: what the bundle is for, when it has native code; None is this machine.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: ``MOP24xx``.
    """
    extra = dict(generated or {})
    if not extra.keys() <= RESERVED_MEMBERS - {FILES_MEMBER}:
        message = f"not members of the format: {sorted(extra.keys() - RESERVED_MEMBERS)}"
        raise ValueError(message)
    planned = planned or plan(source)
    if planned.overrides is not None:
        extra[OVERRIDES_MEMBER] = planned.overrides
    with vendored(source, planned.manifest, wheels=wheels, target=target) as dependencies:
        made = {MANIFEST_MEMBER: planned.manifest.canonical(), SBOM_MEMBER: dependencies.sbom, **extra}
        files = (*planned.files, *dependencies.files, *(_made(name, data) for name, data in made.items()))
        check_limits(files)
        name = bundle_file_name(planned.manifest.name, str(planned.manifest.version), platform=dependencies.platform)
        packed = _published(_Build(planned, files, stored=stored, progress=progress), out_dir, name)
        return packed._replace(excluded=(*packed.excluded, *dependencies.stripped))


def _made(name: str, data: bytes) -> Planned:
    return Planned(name, "", len(data), MODE_PLAIN, content=data)


def _published(build: _Build, out_dir: Path, name: str) -> Packed:
    target = out_dir / name
    try:
        with appearing(target) as descriptor:
            size_bytes, members = build.write(descriptor)
            sha256 = _flushed_digest(descriptor, size_bytes)
    except OSError as error:
        what = f"{str(target)!r} cannot be written: {error.strerror}"
        fix = "free space, or choose a folder you may write to"
        fail(PackCode.OUTPUT, what, where=str(target), fix=fix, cause=error)
    return Packed(target, sha256, size_bytes, members, build.plan.excluded)


def _flushed_digest(descriptor: int, size_bytes: int) -> str:
    """Flush a file to disk, and hash it while the disk works."""
    with _workers(1, for_bytes=size_bytes) as workers:
        wait = workers.submit(lambda: os.fsync(descriptor))
        digest = sha256_of_descriptor(descriptor, size=size_bytes)
        wait()
    return digest


def _workers(count: int, *, for_bytes: int) -> Threads | Inline:
    return Threads(count) if for_bytes >= _THREADS_PAY_FROM_BYTES else Inline()


class _Build:
    """One archive being written."""

    def __init__(self, planned: Plan, files: Sequence[Planned], *, stored: bool, progress: Progress) -> None:
        self.plan = planned
        self._files = sorted(files, key=lambda file: member_order(file.name))
        self._stored = stored
        self._progress = progress
        self._done_bytes = 0
        self._total_bytes = sum(file.size for file in files)
        self._table: dict[str, FileEntry] = {}

    def write(self, descriptor: int) -> tuple[int, tuple[str, ...]]:
        """Write the whole archive to an open, empty file and return its size and the names of its members."""
        writer = ArchiveWriter(descriptor)
        manifest, *others = self._files
        self._add_batch(writer, (manifest,), content.encode_batch((manifest,), stored=self._stored))
        ticket = writer.reserve(FILES_MEMBER, len(self._table_without_digests()))
        with _workers(content.THREADS, for_bytes=self._total_bytes) as workers:
            self._add_all(writer, others, workers)
        writer.fill(ticket, FILES_MEMBER, FileTable(self._table).to_json())
        return writer.finish(), tuple(writer.names)

    def _table_without_digests(self) -> bytes:
        entries = {file.name: FileEntry(file.size, _ZERO_DIGEST, file.mode) for file in self._files}
        return FileTable(entries).to_json()

    def _add_all(self, writer: ArchiveWriter, files: Sequence[Planned], workers: Workers) -> None:
        with contextlib.ExitStack() as opened:
            for add in content.ahead(self._steps(files, opened, workers), workers.submit):
                add(writer)

    def _steps(
        self, files: Sequence[Planned], opened: contextlib.ExitStack, workers: Workers
    ) -> Iterator[Callable[[], Add]]:
        """Yield what does the work of each step in any thread, and returns what adds the result in this one."""
        for batch in content.batches(files):
            if not content.is_large(batch):
                yield functools.partial(self._encoded, batch)
                continue
            from mobileops.toolchain.pack.large import LargeFile  # noqa: PLC0415 - most plugins have none

            large = LargeFile(batch[0], stored=self._stored)
            opened.callback(large.close)
            for make in large.pieces():
                yield functools.partial(self._made, large, make, workers)

    def _encoded(self, batch: tuple[Planned, ...]) -> Add:
        encoded = content.encode_batch(batch, stored=self._stored)
        return lambda writer: self._add_batch(writer, batch, encoded)

    def _made(self, large: LargeFile, make: Callable[[], Piece], workers: Workers) -> Add:
        piece = make()
        return lambda writer: self._add_piece(writer, large, piece, workers)

    def _add_batch(self, writer: ArchiveWriter, batch: Sequence[Planned], encoded: Sequence[content.Encoded]) -> None:
        for file, member in zip(batch, encoded, strict=True):
            writer.add(file.name, member, size=file.size, mode=file.mode)
            self._table[file.name] = FileEntry(file.size, member.sha256, file.mode)
            self._done_bytes += file.size
        self._progress(self._done_bytes, self._total_bytes)

    def _add_piece(self, writer: ArchiveWriter, large: LargeFile, piece: Piece, workers: Workers) -> None:
        complete = large.append(writer, piece)
        self._done_bytes += len(piece.raw)
        self._progress(self._done_bytes, self._total_bytes)
        if complete:
            entry = large.finish(writer)
            while entry is None:
                for again in content.ahead(large.pieces(), workers.submit):
                    large.append(writer, again)
                entry = large.finish(writer)
            self._table[large.file.name] = entry
            large.close()
