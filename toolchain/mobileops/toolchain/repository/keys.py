"""The keys that sign repositories: ``KEYID.pem`` in a folder of this account, found by the key id that metadata names.

Two are made for a repository. The root key says which keys sign everything else, and may be taken elsewhere; the
online key signs each publish. They are not encrypted: ``publish`` asks nothing, and whoever can read the folder can
write the repository as well. What they cannot do is sign a plugin.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner

from mobileops.errors import NotFoundError, RefusedError
from mobileops.runtime import durable
from mobileops.runtime.bounded import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KEY_BYTES: Final = 16 << 10


class Keyring:
    """The repository keys of one account."""

    def __init__(self, folder: Path) -> None:
        """Look into a folder; it is made with the first key."""
        self.folder = folder

    def make(self) -> CryptoSigner:
        """Make a key, on disk before anything is signed with it."""
        signer = CryptoSigner.generate_ed25519()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(self._path(signer.public_key.keyid), signer.private_bytes)
        return signer

    def signers(self, key_ids: Iterable[str]) -> list[CryptoSigner]:
        """Return the keys of this account among some.

        Raises:
            RefusedError: ``MOP6120``, a file of a key is damaged.
        """
        return [self._load(key_id) for key_id in key_ids if self._path(key_id).exists()]

    def required(self, key_ids: Iterable[str], *, role: str, where: Path) -> list[CryptoSigner]:
        """Return `signers`, at least one.

        Raises:
            NotFoundError: ``MOP6121``, this account has none of them.
        """
        wanted = list(key_ids)
        found = self.signers(wanted)
        if not found:
            raise NotFoundError(
                f"this account has no key that may sign as {role}",
                code="MOP6121",
                where=str(where),
                why=f"it names {', '.join(f'{key_id[:16]}…' for key_id in wanted)}; looked in {self.folder}",
                fix="write to it from the account that made it, or have its key files copied there",
            )
        return found

    def forget(self, key_id: str) -> None:
        """Remove a key."""
        self._path(key_id).unlink(missing_ok=True)

    def _load(self, key_id: str) -> CryptoSigner:
        path = self._path(key_id)
        try:
            private = load_pem_private_key(read_regular(path, limit=MAX_KEY_BYTES), None)
            if not isinstance(private, Ed25519PrivateKey):
                raise TypeError("not an Ed25519 key")  # noqa: TRY301 - damaged like the rest
            signer = CryptoSigner(private)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _damaged(path, error) from error
        if signer.public_key.keyid != key_id:
            raise _damaged(path, ValueError("its key has another id"))
        return signer

    def _path(self, key_id: str) -> Path:
        return self.folder / f"{Path(key_id).name}.pem"


def _damaged(path: Path, error: Exception) -> RefusedError:
    return RefusedError(
        f"a key of the repository cannot be used: {error}",
        code="MOP6120",
        where=str(path),
        why="a key file holds an unencrypted Ed25519 key and is named after its key id",
        fix="restore it from a copy, or rotate the key: mobileops repo rotate",
    )
