"""What is installed: one receipt for each plugin, read without anything that installing needs.

``store/NAME/current.json`` is the receipt, ``previous.json`` the one before it, for a rollback, and ``ran.json`` that
of the version that was ready last. The first two change together, and are read through `mobileops.runtime.journal`.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import HostFault, NotFoundError
from mobileops.runtime import journal

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.home import Home

CURRENT: Final = "current.json"
PREVIOUS: Final = "previous.json"
RAN: Final = "ran.json"
MAX_RECEIPT_BYTES: Final = 1 << 20


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is installed under a name, why it was trusted, and what it may do.

    Attributes:
        name: the plugin's name.
        version: SemVer text.
        type: the manifest's type.
        sha256: digest of the bundle, lowercase hex.
        folder: folder below ``store/NAME/``.
        files_sha256: digest of ``.mobileops/files.json``, the second subject of the signed statement.
        signer: who signed, as `Signer.to_dict`.
        installed_at: RFC 3339 UTC.
        bytecode_sha256: digest of ``FOLDER.bytecode.json`` beside the folder; empty when nothing was compiled.
        granted: permissions that the operator accepted; None for all that the manifest declares.
        requested: whether somebody asked for this plugin, not only for one that needs it.
        held: whether ``upgrade`` leaves it at this version (``mobileops pin``).
    """

    name: str
    version: str
    type: str
    sha256: str
    folder: str
    files_sha256: str
    signer: dict[str, Any]
    installed_at: str
    bytecode_sha256: str = ""
    granted: tuple[str, ...] | None = None
    requested: bool = True
    held: bool = False


class Receipts:
    """The installed plugins of one home, for reading."""

    def __init__(self, home: Home) -> None:
        """Use a prepared home."""
        self._home = home

    @property
    def home(self) -> Home:
        """Return the home."""
        return self._home

    def get(self, name: str) -> Receipt:
        """Return the receipt of an installed plugin.

        Raises:
            NotFoundError: nothing is installed under that name.
        """
        return self._read(name, CURRENT)

    def previous(self, name: str) -> Receipt | None:
        """Return the receipt of the version before this one; None when there is none, or no other."""
        try:
            receipt = self._read(name, PREVIOUS)
        except (HostFault, NotFoundError):
            return None
        return None if receipt.folder == self.get(name).folder or not self.folder(receipt).is_dir() else receipt

    def last_ran(self, name: str) -> Receipt | None:
        """Return the receipt of the version that was ready last; None when none ever was."""
        try:
            return self._read(name, RAN)
        except (HostFault, NotFoundError):
            return None

    def _read(self, name: str, which: str) -> Receipt:
        path = self._home.store / name / which
        try:
            if path.parent.parent != self._home.store or name == "..":
                raise self._absent(name)
            return msgspec.json.decode(journal.read(self._home, path, limit=MAX_RECEIPT_BYTES), type=Receipt)
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL byte in the name
            if isinstance(error, msgspec.DecodeError):
                raise self._unreadable(name, path, error) from error
            raise self._absent(name) from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise self._absent(name) from error
            raise self._unreadable(name, path, error) from error

    def all(self) -> list[Receipt]:
        """Return every receipt, by name."""
        if not self._home.store.is_dir():
            return []
        paths = {*self._home.store.glob(f"*/{CURRENT}"), *journal.pending_paths(self._home)}
        found = []
        for path in sorted(paths):
            if path.name == CURRENT:
                with suppress(NotFoundError):  # uninstalled since
                    found.append(self.get(path.parent.name))
        return found

    def folder(self, receipt: Receipt) -> Path:
        """Return where a plugin's files are."""
        return self._home.store / receipt.name / receipt.folder

    def manifest(self, receipt: Receipt) -> Manifest:
        """Return the manifest of an installed plugin, with the permissions that the operator accepted.

        What a manifest declares beyond them is denied like what it does not declare; ``document`` is as it was signed.
        """
        declared = self.declared(receipt)
        if receipt.granted is None:
            return declared
        from mobileops.manifest import Permission  # noqa: PLC0415  likewise

        return declared._replace(permissions=tuple(map(Permission.parse, receipt.granted)))

    def declared(self, receipt: Receipt) -> Manifest:
        """Return the manifest of an installed plugin as it was signed."""
        from mobileops.manifest import parse  # noqa: PLC0415  a list needs receipts only

        return parse((self.folder(receipt) / "plugin.json").read_bytes(), where=f"{receipt.name}/plugin.json")

    def _unreadable(self, name: str, path: Path, error: Exception) -> HostFault:
        return HostFault(
            f"the receipt of {name!r} cannot be read: {error}",
            code="MOP6002",
            where=str(path),
            fix=f"mobileops doctor --repair, or install {name} again from its bundle",
        )

    def _absent(self, name: str) -> NotFoundError:
        return NotFoundError(
            f"no plugin {name!r} is installed",
            code="MOP6004",
            where=str(self._home.store),
            fix="mobileops list shows what is",
        )
