"""An installed version, read like the bundle that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.bundle import FILES_MEMBER
from mobileops.errors import RefusedError
from mobileops.runtime.store import integrity

if TYPE_CHECKING:
    from mobileops.manifest import Manifest
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store.operations import Store


class InstalledFiles:
    """What `mobileops.runtime.comparison` wants to know of a version.

    Attributes:
        path: the folder.
        manifest: as it was signed.
        files: table of the files.
        sha256: digest of the bundle.
    """

    def __init__(self, store: Store, receipt: Receipt) -> None:
        """Read the tables; RefusedError (``MOP6006``) if they are not those that were installed."""
        self._store = store
        self._receipt = receipt
        self.path = store.folder(receipt)
        self.manifest: Manifest = store.declared(receipt)
        self.files = integrity.table(self.path, receipt)
        self.sha256 = receipt.sha256

    @property
    def size_bytes(self) -> int:
        """Size of the files: that of the bundle is not kept."""
        return sum(entry.size for entry in self.files.entries.values())

    def check_members(self) -> None:
        """Compare every file with its table; RefusedError (``MOP6006``)."""
        self._store.check(self._receipt)

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            RefusedError: ``MOP6006``, it has more than ``limit`` bytes, or is gone.
        """
        path = self.path / name
        data = integrity.read(path)
        if len(data) > limit or (name not in self.files.entries and name != FILES_MEMBER):
            raise RefusedError(
                f"{name!r} of plugin {self._receipt.name!r} cannot be read",
                code="MOP6006",
                where=str(path),
                fix=f"install {self._receipt.name} again from its bundle",
            )
        return data
