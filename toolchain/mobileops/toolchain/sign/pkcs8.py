"""Write and read private keys as PKCS#8 in PEM (RFC 5958), encrypted with PBES2 (RFC 8018) and scrypt (RFC 7914).

`cryptography` reads such keys but cannot be asked to write them: what it writes derives the key from the passphrase
with 2048 rounds of PBKDF2, which a graphics card undoes at billions of guesses an hour. The parameters here are those
of the OWASP password storage cheat sheet that keep within the memory that OpenSSL grants scrypt by default, so that
``openssl pkey`` and Node.js read the files too.

Law: ``read(write(key, passphrase=p), passphrase=lambda: p)`` is the same key, with and without ``p``.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mobileops.errors import UsageError
from mobileops.toolchain.sign import der

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from mobileops.toolchain.sign.dsse import SigningKey

SCRYPT_COST: Final = 1 << 14
SCRYPT_BLOCK: Final = 8
SCRYPT_PARALLEL: Final = 5
SCRYPT_MEMORY_BYTES: Final = 32 << 20
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
AES_BLOCK_BYTES: Final = 16
PEM_LINE: Final = 64
ENCRYPTED_MARK: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
PLAIN_MARK: Final = b"-----BEGIN PRIVATE KEY-----"

_PBES2: Final = der.object_identifier("1.2.840.113549.1.5.13")
_SCRYPT: Final = der.object_identifier("1.3.6.1.4.1.11591.4.11")
_AES_256_CBC: Final = der.object_identifier("2.16.840.1.101.3.4.1.42")


def write(key: SigningKey, *, passphrase: bytes | None) -> bytes:
    """Return a private key in PEM, encrypted unless the passphrase is None."""
    plain = serialization.NoEncryption()
    if passphrase is None:
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    encoded = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)
    return _pem(_encrypt(encoded, passphrase))


def read(pem: bytes, *, passphrase: Callable[[], bytes], where: str) -> PrivateKeyTypes:
    """Return the private key in a PEM file; the passphrase is asked for only if the key is encrypted.

    Raises:
        UsageError: ``MOP3212`` it is no PKCS#8 private key, ``MOP3214`` the passphrase does not open it, or whatever
            ``passphrase`` raises.
    """
    encrypted = pem.lstrip().startswith(ENCRYPTED_MARK)
    if not encrypted and not pem.lstrip().startswith(PLAIN_MARK):
        raise _unreadable(where, "it does not begin with BEGIN PRIVATE KEY or BEGIN ENCRYPTED PRIVATE KEY")
    secret = passphrase() if encrypted else None
    try:
        return serialization.load_pem_private_key(pem, secret)
    except Exception as error:  # what a damaged file raises depends on where the damage is
        if encrypted:
            raise UsageError(
                "the passphrase does not open the key",
                code="MOP3214",
                where=where,
                why="it is another one, or the file is damaged: encryption cannot tell which",
                fix="give the passphrase that the key was made with",
            ) from error
        raise _unreadable(where, f"{error!s:.200}") from error


def _encrypt(encoded: bytes, passphrase: bytes) -> bytes:
    """Return an EncryptedPrivateKeyInfo (RFC 5958 section 3)."""
    salt, start = os.urandom(SALT_BYTES), os.urandom(AES_BLOCK_BYTES)
    cost = {"n": SCRYPT_COST, "r": SCRYPT_BLOCK, "p": SCRYPT_PARALLEL}
    derived = hashlib.scrypt(passphrase, salt=salt, dklen=KEY_BYTES, maxmem=SCRYPT_MEMORY_BYTES, **cost)
    padder = padding.PKCS7(algorithms.AES.block_size).padder()
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(start)).encryptor()
    sealed = encryptor.update(padder.update(encoded) + padder.finalize()) + encryptor.finalize()
    parameters = (der.octet_string(salt), *map(der.integer, cost.values()), der.integer(KEY_BYTES))
    derivation = der.sequence(_SCRYPT, der.sequence(*parameters))
    cipher = der.sequence(_AES_256_CBC, der.octet_string(start))
    algorithm = der.sequence(_PBES2, der.sequence(derivation, cipher))
    return der.sequence(algorithm, der.octet_string(sealed))


def _pem(encoded: bytes) -> bytes:
    """Return the textual encoding of RFC 7468: lines of 64 characters."""
    text = base64.b64encode(encoded)
    lines = (text[at : at + PEM_LINE] for at in range(0, len(text), PEM_LINE))
    return b"\n".join((ENCRYPTED_MARK, *lines, ENCRYPTED_MARK.replace(b"BEGIN", b"END"), b""))


def _unreadable(where: str, reason: str) -> UsageError:
    return UsageError(
        f"this is no private key: {reason}",
        code="MOP3212",
        where=where,
        why="private keys are PKCS#8 in PEM (RFC 5958)",
        fix="convert it with openssl pkcs8 -topk8, or make one with mobileops keys generate NAME",
    )
