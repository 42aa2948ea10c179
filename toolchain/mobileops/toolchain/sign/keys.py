"""Keep signing keys: one private file (0600) and one public file each, in a folder that only its account can open.

::

    keys/                 0700
    ├── NAME.key          0600, PKCS#8 in PEM, encrypted unless the caller said otherwise
    └── NAME.pub          0644, SubjectPublicKeyInfo in PEM: what a trust policy names
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from typing import TYPE_CHECKING, Final, Literal, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mobileops.errors import HostFault, NotFoundError, UsageError
from mobileops.runtime import durable
from mobileops.toolchain.sign import pkcs8
from mobileops.toolchain.sign.key import KeySigner, PublicKey, accept, hint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.toolchain.sign.dsse import SigningKey

KeyType = Literal["p256", "ed25519"]
KEY_TYPES: Final[tuple[KeyType, ...]] = ("p256", "ed25519")
PRIVATE: Final = ".key"
PUBLIC: Final = ".pub"
MAX_KEY_BYTES: Final = 16 << 10
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


@dataclasses.dataclass(frozen=True, slots=True)
class KeyFile:
    """A key of the folder, by its public half.

    Attributes:
        name: under which it is kept.
        type: ``p256`` or ``ed25519``.
        hint: what signatures carry, base64 of SHA-256 of the SubjectPublicKeyInfo.
        path: the private file.
        encrypted: whether a passphrase opens it.
    """

    name: str
    type: str
    hint: str
    path: Path
    encrypted: bool


def generate(folder: Path, name: str, *, key_type: KeyType, passphrase: bytes | None) -> KeyFile:
    """Make a key and keep it; nothing that exists is ever overwritten.

    Args:
        folder: where keys are kept; made with mode 0700 when missing.
        name: letters, digits, ``.``, ``_`` and ``-``, at most 64.
        key_type: of the new key.
        passphrase: encrypts the private file; None leaves it plain.

    Raises:
        UsageError: ``MOP3217`` the name cannot be used, ``MOP3216`` there is a key of that name.
        HostFault: ``MOP3210``, the files cannot be written.
    """
    private = check_free(folder, name)
    key = _new(key_type)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(private, pkcs8.write(key, passphrase=passphrase), mode=0o600)
        try:
            _create(private.with_suffix(PUBLIC), public_pem(key.public_key()), mode=0o644)
            durable.sync_folder(folder)
        except BaseException:
            private.unlink()
            raise
    except FileExistsError as error:  # two at once
        raise _taken(private) from error
    except OSError as error:
        raise _fault(private, error, "written") from error
    return KeyFile(name, key_type, hint(key.public_key()), private, passphrase is not None)


def check_free(folder: Path, name: str) -> Path:
    """Return where the private file of a new key would be.

    Raises:
        UsageError: ``MOP3217`` the name cannot be used, ``MOP3216`` there is a key of that name.
    """
    private = _private(folder, name)
    for path in (private, private.with_suffix(PUBLIC)):
        if os.path.lexists(path):
            raise _taken(path)
    return private


def load(path: Path, *, passphrase: Callable[[], bytes]) -> KeySigner:
    """Open a private key for signing.

    Args:
        path: PKCS#8 in PEM, readable by its owner alone.
        passphrase: asked only when the file is encrypted.

    Raises:
        NotFoundError: ``MOP3218``, there is no such file.
        UsageError: ``MOP3212`` it is no private key, ``MOP3213`` it is of a type that not every client verifies,
            ``MOP3214`` the passphrase does not open it.
        HostFault: ``MOP3210`` it cannot be read, ``MOP3211`` others can read it.
    """
    key = pkcs8.read(_read_private(path), passphrase=passphrase, where=str(path))
    accept(key, where=str(path))
    return KeySigner(cast("SigningKey", key))


def listed(folder: Path) -> tuple[KeyFile, ...]:
    """Return the keys of a folder, by name.

    Raises:
        UsageError: ``MOP3212``, ``MOP3213`` a file is no key that can sign.
        HostFault: ``MOP3210``, the folder or a file cannot be read.
    """
    return tuple(_describe(folder, name) for name in names(folder))


def names(folder: Path) -> list[str]:
    """Return the names of the keys of a folder, sorted.

    Raises:
        HostFault: ``MOP3210``, the folder cannot be read.
    """
    try:
        return sorted(path.stem for path in folder.iterdir() if path.suffix == PRIVATE)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _fault(folder, error, "read") from error


def find(folder: Path, name: str) -> KeyFile:
    """Return a key of the folder.

    Raises:
        NotFoundError: ``MOP3218``, there is none of that name.
        UsageError: ``MOP3217`` the name cannot be one; ``MOP3212``, ``MOP3213`` its public file is damaged.
        HostFault: ``MOP3210``, it cannot be read.
    """
    _private(folder, name)
    return _describe(folder, name)


def public_key(path: Path) -> PublicKey:
    """Read a public key: SubjectPublicKeyInfo in PEM.

    Raises:
        NotFoundError: ``MOP3218``, there is no such file.
        UsageError: ``MOP3212`` it is no public key, ``MOP3213`` it is of another type.
        HostFault: ``MOP3210``, it cannot be read.
    """
    raw = _read(path)
    try:
        key = serialization.load_pem_public_key(raw)
    except Exception as error:  # a damaged file raises whatever the parser meets first
        raise UsageError(
            f"this is no public key: {error!s:.200}",
            code="MOP3212",
            where=str(path),
            why="public keys are SubjectPublicKeyInfo in PEM",
            fix="make it from the private key with openssl pkey -pubout",
        ) from error
    accept(key, where=str(path))
    return cast("PublicKey", key)


def public_pem(key: PublicKey) -> bytes:
    """Return a public key as a trust policy wants it: SubjectPublicKeyInfo in PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def write_public(path: Path, pem: bytes) -> None:
    """Write a public key to a new file.

    Raises:
        UsageError: ``MOP3216``, there is a file of that name.
        HostFault: ``MOP3210``, it cannot be written.
    """
    try:
        _create(path, pem, mode=0o644)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise _fault(path, error, "written") from error


def _new(key_type: KeyType) -> SigningKey:
    return ed25519.Ed25519PrivateKey.generate() if key_type == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def _private(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"a key cannot be called {name!r}",
            code="MOP3217",
            why="a name is lowercase letters and digits with '.', '_' and '-' between them, at most 64 characters",
            fix="choose one such as release or fleet-2026",
        )
    return folder / f"{name}{PRIVATE}"


def _describe(folder: Path, name: str) -> KeyFile:
    private = folder / f"{name}{PRIVATE}"
    key = public_key(private.with_suffix(PUBLIC))
    encrypted = _read_private(private).lstrip().startswith(pkcs8.ENCRYPTED_MARK)
    return KeyFile(name, accept(key, where=str(private)), hint(key), private, encrypted)


def _create(path: Path, data: bytes, *, mode: int) -> None:
    """Write a new file, whole and on disk before anybody is told of it.

    Raises:
        FileExistsError: there is one, or a link.
        OSError: it cannot be written; then nothing is left of it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def _read_private(path: Path) -> bytes:
    """Read a private key file that nobody else can read; checked on the open file, not on its name."""
    return _read(path, private=True)


def _read(path: Path, *, private: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            if private and os.fstat(file.fileno()).st_mode & OTHERS:
                raise HostFault(
                    f"{path.name!r} is open to other users",
                    code="MOP3211",
                    where=str(path),
                    why="whoever can read a signing key can sign as you",
                    fix=f"chmod go= {path}, if nobody else had access; otherwise make a new key",
                )
            return file.read(MAX_KEY_BYTES)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no key {(path.stem if path.suffix in {PRIVATE, PUBLIC} else path.name)!r}",
            code="MOP3218",
            where=str(path),
            fix="mobileops keys list shows what there is, mobileops keys generate NAME makes one",
        ) from error
    except OSError as error:
        raise _fault(path, error, "read") from error


def _taken(path: Path) -> UsageError:
    return UsageError(
        f"there is a file {path.name!r} already",
        code="MOP3216",
        where=str(path),
        why="an overwritten key is lost, and nothing can be signed with it again",
        fix="choose another name, or move the old file away",
    )


def _fault(path: Path, error: OSError, verb: str) -> HostFault:
    return HostFault(
        f"the key cannot be {verb}: {error.strerror}",
        code="MOP3210",
        where=str(error.filename or path),
        fix="choose a folder that this account may use",
    )
