"""Build a bundle from a source folder: plan, vendor, encode, write, rename.

Law: the bytes depend on the names, contents and execute bits of the files that go in, the locked wheels and the pinned
compressors, and on nothing else; `pack` of a copied tree gives the same file.
"""

from __future__ import annotations

import _thread
import functools
import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from zlib_ng.zlib_ng import crc32

from mobileops.bundle.digest import sha256_of_descriptor
from mobileops.bundle.filename import bundle_file_name
from mobileops.bundle.files import FileEntry, FileTable
from mobileops.bundle.layout import (
    DEFLATED,
    FILES_MEMBER,
    MANIFEST_MEMBER,
    MODE_PLAIN,
    OVERRIDES_MEMBER,
    RESERVED_MEMBERS,
    SBOM_MEMBER,
    STORED,
    member_order,
)
from mobileops.bundle.limits import ratio_is_excessive
from mobileops.toolchain.pack import content
from mobileops.toolchain.pack.archive_writer import ArchiveWriter
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.compress import Kind
from mobileops.toolchain.pack.plan import Planned, check_limits, plan
from mobileops.toolchain.pack.vendor import vendored
from mobileops.toolchain.pack.work import Inline, Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mobileops.toolchain.pack.plan import Plan
    from mobileops.toolchain.pack.targets import Target
    from mobileops.toolchain.pack.work import Workers

    Progress = Callable[[int, int], None]

_THREADS_PAY_FROM_BYTES: Final = 512 << 10
_ZERO_DIGEST: Final = "0" * 64
_FILE_MODE: Final = 0o644


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
    """Write to a temporary file beside the target and rename it when it is complete and on disk."""
    target = out_dir / name
    # Unique among everything that could pack into the same folder at once, on this machine.
    temporary = out_dir / f".{name}.{os.getpid()}-{_thread.get_ident()}.part"
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    except OSError as error:
        _fail_output(target, error)
    try:
        try:
            # Whatever the umask: a bundle is for everybody.
            os.fchmod(descriptor, _FILE_MODE)
            size_bytes, members = build.write(descriptor)
            sha256 = sha256_of_descriptor(descriptor, size=size_bytes)
        finally:
            os.close(descriptor)
        temporary.replace(target)
        _sync_folder(out_dir)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            _fail_output(target, error)
        raise
    return Packed(target, sha256, size_bytes, members, build.plan.excluded)


def _fail_output(target: Path, error: OSError) -> NoReturn:
    what = f"{str(target)!r} cannot be written: {error.strerror}"
    fix = "free space, or choose a folder you may write to"
    fail(PackCode.OUTPUT, what, where=str(target), fix=fix, cause=error)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        threads_pay = sum(file.size for file in others) >= _THREADS_PAY_FROM_BYTES
        with Threads(content.THREADS) if threads_pay else Inline() as workers:
            self._add_all(writer, others, workers)
        writer.fill(ticket, FILES_MEMBER, FileTable(self._table).to_json())
        return writer.finish(), tuple(writer.names)

    def _table_without_digests(self) -> bytes:
        entries = {file.name: FileEntry(file.size, _ZERO_DIGEST, file.mode) for file in self._files}
        return FileTable(entries).to_json()

    def _add_all(self, writer: ArchiveWriter, files: Sequence[Planned], workers: Workers) -> None:
        def start(batch: tuple[Planned, ...]) -> Callable[[], list[content.Encoded]]:
            if content.is_large(batch):
                return list
            return workers.submit(functools.partial(content.encode_batch, batch, stored=self._stored))

        for batch, wait in content.ahead(content.batches(files), start):
            encoded = wait()
            if encoded:
                self._add_batch(writer, batch, encoded)
            else:
                self._add_large(writer, batch[0], workers)

    def _add_batch(self, writer: ArchiveWriter, batch: Sequence[Planned], encoded: Sequence[content.Encoded]) -> None:
        for file, member in zip(batch, encoded, strict=True):
            writer.add(file.name, member, size=file.size, mode=file.mode)
            self._table[file.name] = FileEntry(file.size, member.sha256, file.mode)
            self._done_bytes += file.size
        self._progress(self._done_bytes, self._total_bytes)

    def _add_large(self, writer: ArchiveWriter, file: Planned, workers: Workers) -> None:
        descriptor = content.open_planned(file)
        try:
            kind = Kind.STORE if self._stored else content.kind_of_large(descriptor, file)
            while not self._try_large(writer, file, descriptor, kind, workers):
                # A sample can mislead: matching that a reader takes for a bomb, or coding that makes it no smaller.
                kind = Kind.HUFFMAN if kind is Kind.MATCH else Kind.STORE
        finally:
            os.close(descriptor)

    def _try_large(self, writer: ArchiveWriter, file: Planned, descriptor: int, kind: Kind, workers: Workers) -> bool:
        """Append a large file encoded as `kind`; drop it again and return False when no reader would accept that."""
        offset = writer.begin(file.name)
        start = writer.position
        digest, checksum, done_bytes = hashlib.sha256(), 0, self._done_bytes
        for piece in content.pieces(descriptor, file, kind, workers.submit):
            digest.update(piece.raw)
            checksum = crc32(piece.raw, checksum)
            writer.write(piece.data)
            done_bytes += len(piece.raw)
            self._progress(done_bytes, self._total_bytes)
        size = writer.position - start
        if kind is not Kind.STORE and (size >= file.size or ratio_is_excessive(file.size, size)):
            writer.rewind(offset)
            return False
        method = STORED if kind is Kind.STORE else DEFLATED
        self._done_bytes = done_bytes
        writer.end(file.name, offset, method=method, crc32=checksum, size=file.size, mode=file.mode)
        self._table[file.name] = FileEntry(file.size, digest.hexdigest(), file.mode)
        return True
