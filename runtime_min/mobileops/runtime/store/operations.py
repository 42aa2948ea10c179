"""What can be done to the installed plugins of a home: install, roll back, uninstall, hold, sweep."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from mobileops.bundle import FILES_MEMBER, SIGNATURE_SUFFIX
from mobileops.errors import HostFault, MobileOpsError, NotFoundError, RefusedError
from mobileops.runtime import durable, journal
from mobileops.runtime.logs import timestamp
from mobileops.runtime.receipts import CURRENT, PREVIOUS, RAN, Receipt, Receipts
from mobileops.runtime.store import bytecode, integrity, placing, removing, signer_pins, staging
from mobileops.runtime.store.changing import changing, disk_errors, locked
from mobileops.runtime.store.staging import Staged
from mobileops.runtime.trust import Contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mobileops.runtime.trust import Pin, VerifiedBundle


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """A staged bundle that the operator wants installed.

    Attributes:
        staged: the bundle.
        granted: permissions that it gets; None for all that it declares.
        requested: whether somebody asked for it, not only for one that needs it.
    """

    staged: Staged
    granted: tuple[str, ...] | None = None
    requested: bool = True


class Store(Receipts):
    """The installed plugins of one home, for changing."""

    def install(self, bundle: Path, *, verify: Callable[[Path, Path], VerifiedBundle]) -> Receipt:
        """Install a bundle file with the signature beside it, with every permission that it declares.

        Args:
            bundle: the zip; its signature is ``<zip>.sigstore.json`` in the same folder.
            verify: makes the trust decision on the private copy: ``verify(copy_of_zip, copy_of_signature)``.

        Raises:
            MobileOpsError: as `staged` and `commit`.
        """
        with self.staged(bundle, verify=verify) as staged:
            return self.commit([Accepted(staged)])[0]

    @contextmanager
    def staged(self, bundle: Path, *, verify: Callable[[Path, Path], VerifiedBundle]) -> Iterator[Staged]:
        """Verify a private copy of a bundle and hold it for the length of the block; nothing is installed.

        Raises:
            TrustRefused, BundleRefused: ``verify`` said no; nothing was written outside staging, and staging is empty
                again.
            HostFault: the disk refused.
        """
        with disk_errors(self._home), staging.folder(self._home.staging) as folder:
            pins = self.pins()
            copy, signature = staging.copy_in(bundle, folder)
            with staging.naming(bundle.parent, instead_of=folder), verify(copy, signature) as verified:
                name = verified.manifest.name
                yield Staged(folder, verified, self._installed(name), pins.get(name))

    def commit(self, accepted: Sequence[Accepted]) -> list[Receipt]:
        """Install staged bundles: all of them or none.

        Returns:
            Their receipts, in the same order.

        Raises:
            HostFault: ``MOP6008``, what is installed changed since they were verified; or the disk refused.
        """
        with changing(self._home):
            pins = self.pins()
            files: dict[Path, bytes | None] = {}
            receipts = []
            for one in accepted:
                self._refuse_if_changed(one.staged, pins)
                receipt = self._place(one)
                files |= self._receipt_files(receipt)
                pins[receipt.name] = one.staged.verified.pin
                receipts.append(receipt)
            journal.commit(self._home, files | {self._home.pins: signer_pins.encode(pins)})
        return receipts

    def rollback(self, name: str) -> Receipt:
        """Make the version before this one the installed one, and this one the one before it.

        Returns:
            The receipt of what is installed from now on.

        Raises:
            NotFoundError: nothing is installed under that name, or nothing was before (MOP5111).
        """
        with changing(self._home):
            current, previous = self.get(name), self.previous(name)
            if previous is None:
                raise NotFoundError(
                    f"no version of {name!r} before {current.version} is kept",
                    code="MOP5111",
                    why="one is kept, from the moment that another is installed",
                    fix="install the version that you want from its bundle",
                )
            previous = msgspec.structs.replace(previous, held=current.held, requested=current.requested)
            journal.commit(self._home, self._receipts(previous, current))
        return previous

    def uninstall(self, *names: str, purge: bool = False, force: bool = False) -> list[Receipt]:
        """Remove plugins, all of them or none; see `mobileops.runtime.store.removing`.

        Args:
            names: the plugins.
            purge: whether what they wrote, their settings and their pinned signers go too.
            force: whether they are removed although others need them.

        Raises:
            NotFoundError: one is not installed.
            RefusedError: ``MOP6010``, a plugin that stays needs one of them.
        """
        return removing.uninstall(self, names, purge=purge, force=force)

    def hold(self, name: str, *, held: bool) -> bool:
        """Leave a plugin at its version when others are upgraded, or no longer; return whether that is new.

        Raises:
            NotFoundError: nothing is installed under that name.
        """
        with changing(self._home):
            receipt = self.get(name)
            changed = msgspec.structs.replace(receipt, held=held)
            if changed == receipt:
                return False
            journal.commit(self._home, {self._home.store / name / CURRENT: msgspec.json.encode(changed)})
        return True

    def signature(self, receipt: Receipt) -> Path:
        """Return where the signature lies that a plugin was installed with."""
        return placing.signature_path(self._home.store, receipt)

    def contents(self, receipt: Receipt) -> Contents:
        """Return an installed plugin as what a verification looks at.

        Raises:
            RefusedError: its manifest or its file table is gone.
        """
        folder, manifest = self.folder(receipt), self.declared(receipt)
        return Contents(
            where=str(folder),
            archive_name=None,
            archive_sha256=receipt.sha256,
            files_sha256=hashlib.sha256(integrity.read(folder / FILES_MEMBER)).hexdigest(),
            manifest=manifest,
            manifest_sha256=manifest.digest,
            check_members=lambda: self.check(receipt),
        )

    def check(self, receipt: Receipt) -> None:
        """Compare every installed file with its table, and the tables with the receipt.

        Raises:
            RefusedError: a file was changed, removed or added since it was installed.
        """
        integrity.check(self.folder(receipt), receipt)

    def pins(self) -> dict[str, Pin]:
        """Return the pinned signers, name -> pin.

        Raises:
            RefusedError: pins.json cannot be read; without it any signer could take any name.
        """
        return signer_pins.load(self._home)

    def sweep(self, receipt: Receipt) -> None:
        """Remove what neither runs nor is kept for a rollback; left for later while the store is being changed.

        Args:
            receipt: what runs, or will run, of the plugin.
        """
        # BlockingIOError: somebody installs; any other: what is left does no harm.
        with suppress(OSError, MobileOpsError), locked(self._home, blocking=False):
            journal.finish(self._home)
            kept = {one.folder for one in (receipt, self.get(receipt.name), self.previous(receipt.name)) if one}
            sides = {f"{folder}{suffix}" for folder in kept for suffix in (SIGNATURE_SUFFIX, bytecode.SUFFIX)}
            for path in (self._home.store / receipt.name).iterdir():
                if path.name not in {*kept, *sides, CURRENT, PREVIOUS, RAN}:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def ran(self, receipt: Receipt) -> None:
        """Remember that a version was ready; a disk that refuses costs no more than an upgrade hook."""
        if self.last_ran(receipt.name) != receipt:
            with suppress(OSError):
                durable.write(self._home.store / receipt.name / RAN, msgspec.json.encode(receipt), mode=0o644)

    def _refuse_if_changed(self, staged: Staged, pins: dict[str, Pin]) -> None:
        """Make sure that the answers that were given, by the trust policy and by people, are about what is there."""
        now = self._installed(staged.name)
        same = now is not None and now.sha256 == staged.verified.sha256
        if (now != staged.before and not same) or pins.get(staged.name) not in {staged.pin, staged.verified.pin}:
            raise HostFault(
                f"{staged.name!r} was changed by somebody else meanwhile",
                code="MOP6008",
                where=str(self._home.store / staged.name),
                why="the plan and the signer were decided for what was installed before",
                fix="repeat the command",
            )

    def _installed(self, name: str) -> Receipt | None:
        """Return the receipt of a name; None when there is none, or one that cannot be read, which an install mends."""
        with suppress(NotFoundError, HostFault):
            return self.get(name)
        return None

    def _place(self, one: Accepted) -> Receipt:
        """Have the files of a bundle in the store, and return the receipt that will refer to them."""
        verified, before = one.staged.verified, self._installed(one.staged.name)
        manifest = verified.manifest
        receipt = Receipt(
            name=manifest.name,
            version=str(manifest.version),
            type=manifest.type,
            sha256=verified.sha256,
            folder="",
            files_sha256=verified.bundle.files_digest,
            signer=verified.signer.to_dict(),
            installed_at=timestamp(time.time()),
            granted=one.granted,
            requested=one.requested or (before is not None and before.requested),
            held=before is not None and before.held,
        )
        placed = self._kept(receipt) or placing.place(
            self._home.store / manifest.name,
            f"{manifest.version}-{verified.sha256[:16]}",
            verified.bundle.files,
            write=lambda tree, flusher: verified.bundle.extract(tree, flusher=flusher),
            scratch=one.staged.folder,
            before=self.folder(before) if before is not None else None,
        )
        receipt = msgspec.structs.replace(receipt, folder=placed.folder, bytecode_sha256=placed.bytecode_sha256)
        durable.write(self.signature(receipt), verified.signature, mode=0o644)
        return receipt

    def _kept(self, receipt: Receipt) -> placing.Placed | None:
        """Return where this very version lies already, and whole; a running plugin may have it mounted."""
        for one in (self._installed(receipt.name), self.previous(receipt.name) if self._has(receipt.name) else None):
            if one is not None and (one.sha256, one.files_sha256) == (receipt.sha256, receipt.files_sha256):
                with suppress(RefusedError, OSError):
                    self.check(one)
                    if bytecode.is_for_this_python(bytecode.read_table(self.folder(one))):
                        return placing.Placed(one.folder, one.bytecode_sha256)
        return None

    def _has(self, name: str) -> bool:
        return self._installed(name) is not None

    def _receipt_files(self, receipt: Receipt) -> dict[Path, bytes | None]:
        """Return what to commit for a new receipt: the one before is kept, unless it is of the same bundle."""
        before = self._installed(receipt.name)
        if before is None or before.sha256 == receipt.sha256:
            return {self._home.store / receipt.name / CURRENT: msgspec.json.encode(receipt)}
        return self._receipts(receipt, before)

    def _receipts(self, current: Receipt, previous: Receipt) -> dict[Path, bytes | None]:
        shelf = self._home.store / current.name
        return {shelf / CURRENT: msgspec.json.encode(current), shelf / PREVIOUS: msgspec.json.encode(previous)}
