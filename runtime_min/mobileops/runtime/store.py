"""Installed plugins on disk.

``install`` takes nothing but a `VerifiedBundle`. It works on a private copy, so that the bytes that were verified are
the bytes that are extracted, and it has one commit point: the rename of ``current.json``. Before it the old state
holds, after it the new one::

    stage a copy → verify → extract → fsync → rename the folder into place → pin the signer → replace current.json

What a crash leaves in ``staging/``, and a shelf without a receipt, is swept by the next change. The version before
stays, with its receipt, for `Store.rollback`; older ones until their plugin is started or reloaded again: a running
process has its folder mounted.

Law: for every name, ``get(name)`` is the receipt of a folder that is complete, or raises NotFoundError.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.bundle import FILES_MEMBER, SIGNATURE_SUFFIX, FileTable, signature_path
from mobileops.bundle.limits import MAX_ARCHIVE_BYTES
from mobileops.errors import HostFault, NotFoundError, RefusedError
from mobileops.runtime import audit, durable
from mobileops.runtime.logs import timestamp
from mobileops.runtime.receipts import CURRENT, PREVIOUS, RAN, Receipt, Receipts
from mobileops.runtime.trust import Contents, Pin, VerifiedBundle
from mobileops.runtime.trust.signature_file import MAX_SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


LOCK: Final = "store.lock"
COPY_BYTES: Final = 1 << 20


class Store(Receipts):
    """The installed plugins of one home, for changing."""

    def install(self, bundle: Path, *, verify: Callable[[Path, Path], VerifiedBundle]) -> Receipt:
        """Install a bundle file with the signature beside it.

        Args:
            bundle: the zip; its signature is ``<zip>.sigstore.json`` in the same folder.
            verify: makes the trust decision on the private copy: ``verify(copy_of_zip, copy_of_signature)``.

        Raises:
            TrustRefused, BundleRefused: ``verify`` said no; nothing was written outside staging, and staging is empty
            again.
            HostFault: the disk refused.
        """
        with self._changing(), self._staged() as staging:
            copy, signature = _copy_in(bundle, staging)
            with verify(copy, signature) as verified:
                return self._commit(verified, staging)

    def signature(self, receipt: Receipt) -> Path:
        """Return where the signature lies that a plugin was installed with."""
        return self._home.store / receipt.name / f"{receipt.folder}{SIGNATURE_SUFFIX}"

    def contents(self, receipt: Receipt) -> Contents:
        """Return an installed plugin as what a verification looks at.

        Raises:
            RefusedError: its manifest or its file table is gone.
        """
        folder = self.folder(receipt)
        manifest = self.manifest(receipt)
        return Contents(
            where=str(folder),
            archive_name=None,
            archive_sha256=receipt.sha256,
            files_sha256=hashlib.sha256(_read(folder / FILES_MEMBER)).hexdigest(),
            manifest=manifest,
            manifest_sha256=manifest.digest,
            check_members=lambda: self.check(receipt),
        )

    def rotate(self, name: str, *, reason: str) -> Pin:
        """Forget the pinned signer of a name: the next verified install pins its signer. The change is recorded.

        Args:
            name: the plugin.
            reason: why, for whoever reads the record later.

        Raises:
            NotFoundError: ``MOP3140``, no signer is pinned under that name.
        """
        with self._changing():
            pins = self.pins()
            if name not in pins:
                raise NotFoundError(
                    f"no signer is pinned for {name!r}",
                    code="MOP3140",
                    where=str(self._home.pins),
                    fix="mobileops trust show lists the pins",
                )
            forgotten = pins.pop(name)
            entry = {"time": timestamp(time.time()), "name": name, "reason": reason, "forgotten": forgotten.to_dict()}
            with self._home.trust_log.open("ab") as log:
                log.write(msgspec.json.encode(entry) + b"\n")
            self._write_pins(pins)
        return forgotten

    def check(self, receipt: Receipt) -> None:
        """Compare every installed file with files.json, and files.json with the receipt.

        Raises:
            RefusedError: a file was changed, removed or added since it was installed.
        """
        folder = self.folder(receipt)
        table_bytes = _read(folder / FILES_MEMBER)
        if hashlib.sha256(table_bytes).hexdigest() != receipt.files_sha256:
            raise _changed(receipt, FILES_MEMBER)
        table = FileTable.parse(table_bytes)
        present = {
            str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
        }
        expected = {str(name) for name in table.entries} | {FILES_MEMBER}
        for name in sorted(present ^ expected):
            raise _changed(receipt, name)
        for name, entry in table.entries.items():
            if _digest(folder / str(name)) != entry.sha256:
                raise _changed(receipt, str(name))

    def sweep(self, receipt: Receipt) -> None:
        """Remove what neither runs nor is kept for a rollback; left for later while the store is being changed.

        Args:
            receipt: what runs, or will run, of the plugin.
        """
        kept = {one.folder for one in (receipt, self.get(receipt.name), self.previous(receipt.name)) if one}
        keep = {*kept, *(f"{folder}{SIGNATURE_SUFFIX}" for folder in kept), CURRENT, PREVIOUS, RAN}
        try:
            with durable.locked(self._home.run / LOCK, blocking=False):
                for path in (self._home.store / receipt.name).iterdir():
                    if path.name not in keep:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:  # BlockingIOError: somebody installs; any other: what is left does no harm
            return

    def rollback(self, name: str) -> Receipt:
        """Make the version before this one the installed one, and this one the one before it.

        Returns:
            The receipt of what is installed from now on.

        Raises:
            NotFoundError: nothing is installed under that name, or nothing was before (MOP5111).
        """
        with self._changing():
            current, previous = self.get(name), self.previous(name)
            if previous is None:
                raise NotFoundError(
                    f"no version of {name!r} before {current.version} is kept",
                    code="MOP5111",
                    why="one is kept, from the moment that another is installed",
                    fix="install the version that you want from its bundle",
                )
            self._write_receipt(previous, CURRENT)  # the commit point
            self._write_receipt(current, PREVIOUS)
        return previous

    def ran(self, receipt: Receipt) -> None:
        """Remember that a version was ready; a disk that refuses costs no more than an upgrade hook."""
        if self.last_ran(receipt.name) != receipt:
            with suppress(OSError):
                self._write_receipt(receipt, RAN)

    def _write_receipt(self, receipt: Receipt, which: str) -> None:
        durable.write(self._home.store / receipt.name / which, msgspec.json.encode(receipt), mode=0o644)

    def uninstall(self, name: str, *, purge: bool = False) -> Receipt:
        """Remove a plugin; its data folder stays unless ``purge``.

        Raises:
            NotFoundError: nothing is installed under that name.
        """
        with self._changing():
            receipt = self.get(name)
            (self._home.store / name / CURRENT).unlink()  # the commit point
            durable.sync_folder(self._home.store / name)
            shutil.rmtree(self._home.store / name)
            if purge:
                shutil.rmtree(self._home.data / name, ignore_errors=True)
                (self._home.logs / f"{name}.jsonl").unlink(missing_ok=True)
                (self._home.logs / f"{name}.jsonl.1").unlink(missing_ok=True)
                audit.remove(self._home.audit, name)
                self._write_pins({key: pin for key, pin in self.pins().items() if key != name})
        return receipt

    def pins(self) -> dict[str, Pin]:
        """Return the pinned signers, name -> pin.

        Raises:
            RefusedError: pins.json cannot be read; without it any signer could take any name.
        """
        try:
            raw = msgspec.json.decode(self._home.pins.read_bytes(), type=dict[str, dict[str, Any]])
            return {name: Pin.from_dict(pin) for name, pin in raw.items()}
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise RefusedError(
                f"the pinned signers cannot be read: {error}",
                code="MOP6003",
                where=str(self._home.pins),
                fix="restore the file from a backup",
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the store's lock, sweep what a crash left, and turn disk errors into ours."""
        try:
            with durable.locked(self._home.run / LOCK):
                self._sweep_crashes()
                yield
        except OSError as error:
            raise HostFault(
                f"the store cannot be changed: {error.strerror or error}",
                code="MOP6001",
                where=str(error.filename or self._home.store),
                fix="check free space and permissions, then repeat the command",
            ) from error

    def _sweep_crashes(self) -> None:
        abandoned = [shelf for shelf in self._home.store.iterdir() if not (shelf / CURRENT).exists()]
        for left in (*self._home.staging.iterdir(), *abandoned):
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def _staged(self) -> Iterator[Path]:
        staging = Path(tempfile.mkdtemp(dir=self._home.staging))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _commit(self, verified: VerifiedBundle, staging: Path) -> Receipt:
        manifest = verified.manifest
        folder = f"{manifest.version}-{verified.sha256[:16]}"
        receipt = Receipt(
            name=manifest.name,
            version=str(manifest.version),
            type=manifest.type,
            sha256=verified.sha256,
            folder=folder,
            files_sha256=verified.bundle.files_digest,
            signer=verified.signer.to_dict(),
            installed_at=timestamp(time.time()),
        )
        shelf = self._home.store / manifest.name
        shelf.mkdir(exist_ok=True)
        shelf.chmod(0o755)
        if not self._is_intact(receipt):
            self._place(verified, staging / "tree", shelf / folder)
        durable.write(shelf / f"{folder}{SIGNATURE_SUFFIX}", verified.signature, mode=0o644)
        self._write_pins(self.pins() | {manifest.name: verified.pin})
        with suppress(NotFoundError, HostFault):  # none, or one that cannot be read, which this install mends
            before = self.get(manifest.name)
            if before.folder != folder:
                self._write_receipt(before, PREVIOUS)
        self._write_receipt(receipt, CURRENT)
        return receipt

    def _is_intact(self, receipt: Receipt) -> bool:
        """Whether this very version lies there already, and whole; a running plugin may have it mounted."""
        try:
            self.check(receipt)
        except (RefusedError, OSError):
            return False
        return True

    @staticmethod
    def _place(verified: VerifiedBundle, tree: Path, target: Path) -> None:
        """Extract beside the target, then rename; what a crash left there is replaced."""
        verified.bundle.extract(tree)
        tree.chmod(0o755)
        if target.exists():
            target.rename(tree.with_name("replaced"))
        tree.rename(target)
        durable.sync_folder(target.parent)

    def _write_pins(self, pins: dict[str, Pin]) -> None:
        durable.write(
            self._home.pins,
            msgspec.json.format(msgspec.json.encode({name: pins[name].to_dict() for name in sorted(pins)})),
        )


def _copy_in(bundle: Path, staging: Path) -> tuple[Path, Path]:
    """Copy a bundle and its signature into staging under their own names (the name is part of what is signed)."""
    signature = signature_path(bundle)
    if not bundle.is_file():
        raise NotFoundError(
            f"{str(bundle)!r} is not a file",
            code="MOP6005",
            fix="give the path of a bundle made by 'mobileops package'",
        )
    _copy(bundle, staging / bundle.name, limit=MAX_ARCHIVE_BYTES)
    if signature.is_file():
        _copy(signature, staging / signature.name, limit=MAX_SIGNATURE_BYTES)
    return staging / bundle.name, staging / signature.name


def _copy(source: Path, target: Path, *, limit: int) -> None:
    """Copy at most one byte more than a file may have: enough for the reader to refuse it.

    Never enough to fill the disk.
    """
    with source.open("rb") as incoming, target.open("xb") as outgoing:
        left = limit + 1
        while left and (data := incoming.read(min(COPY_BYTES, left))):
            outgoing.write(data)
            left -= len(data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _digest(path: Path) -> str | None:
    """Return the SHA-256 of a regular file, or None when it is anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _changed(receipt: Receipt, name: str) -> RefusedError:
    return RefusedError(
        f"{name!r} of plugin {receipt.name!r} is not what was installed",
        code="MOP6006",
        where=f"{receipt.name}/{receipt.folder}/{name}",
        why="every installed file must match the files.json that its publisher signed",
        fix=f"install {receipt.name} again from its bundle",
    )
