"""Step 1 for signatures made with a long-lived key: no certificate, no log, no time, only the key.

The signature file names its key by a hint, base64 of the SHA-256 of the DER SubjectPublicKeyInfo, as cosign writes it.
A hint is for looking a key up and proves nothing. Keys come from the files of the policy only. P-256 (ECDSA with
SHA-256) and Ed25519 are accepted; every other kind is refused, because Sigstore clients do not agree on their hash:
sigstore-js verifies P-384 with SHA-256, others with SHA-384.

A key file as every tool writes it is read here, by comparison with the constants before the key in its
SubjectPublicKeyInfo; ``cryptography`` reads any other, and says what is wrong with it. It has one function for every
kind of key, and importing what that stands on takes longer than the rest of a verification.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mobileops.runtime.trust.checked import Checked
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from mobileops.runtime.trust.rules import Root
    from mobileops.runtime.trust.signature_file import SignatureFile

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_BEGIN: Final = b"-----BEGIN PUBLIC KEY-----\n"
_END: Final = b"\n-----END PUBLIC KEY-----\n"
_P256: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""DER before the two coordinates of an uncompressed point (RFC 5480, section 2)."""
_P256_BYTES: Final = len(_P256) + 64
_ED25519: Final = bytes.fromhex("302a300506032b6570032100")
"""DER before the key (RFC 8410, section 4)."""
_ED25519_BYTES: Final = len(_ED25519) + 32


class _EcdsaSha256(ec.ECDSA):
    """ECDSA with SHA-256, to verify with: ``ECDSA()`` loads every cipher to learn whether it could sign differently."""

    def __init__(self) -> None:
        """Load nothing."""

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        """The hash of the message."""
        return hashes.SHA256()

    @property
    def deterministic_signing(self) -> bool:
        """Whether it signs as RFC 6979 says; it does not sign."""
        return False


def load(pem: bytes, *, where: str) -> PublicKey:
    """Return the public key of a PEM file (SubjectPublicKeyInfo, RFC 7468 section 13).

    Raises:
        TrustRefused: ``MOP3109`` it is damaged, ``MOP3130`` it is of a kind that is not accepted.
    """
    der = _subject_public_key_info(pem)
    try:
        if der.startswith(_P256) and len(der) == _P256_BYTES:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), der[len(_P256) - 1 :])
        if der.startswith(_ED25519) and len(der) == _ED25519_BYTES:
            return ed25519.Ed25519PublicKey.from_public_bytes(der[len(_ED25519) :])
        key = _load(pem)
    except Exception as error:  # a damaged file raises ValueError, a key that OpenSSL does not know something else
        what = f"the key file is damaged: {error!s:.200}"
        raise refuse(Code.KEY_UNUSABLE, what, where=where, fix="put a public key in PEM there") from error
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__.strip("_")
    raise refuse(
        Code.KEY_TYPE,
        f"a key of kind {kind!r} is not accepted",
        where=where,
        why="only P-256 and Ed25519 are verified in the same way by all Sigstore clients",
        fix="sign with a P-256 or an Ed25519 key",
    )


def _subject_public_key_info(pem: bytes) -> bytes:
    """Return the DER of a PEM file that holds one public key and nothing else, empty for any other file."""
    if not (pem.startswith(_BEGIN) and pem.endswith(_END)):
        return b""
    try:
        return base64.b64decode(pem[len(_BEGIN) : -len(_END)].replace(b"\n", b""), validate=True)
    except ValueError:
        return b""


def _load(pem: bytes) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - see above

    return load_pem_public_key(pem)


def hint_of(key: PublicKey) -> str:
    """Return the hint by which a signature file names a key."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        der = _ED25519 + key.public_bytes_raw()
    else:
        numbers = key.public_numbers()
        der = _P256 + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers (https://github.com/secure-systems-lab/dsse, protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def check(signature: SignatureFile, keys: Mapping[Root, Sequence[tuple[str, bytes]]]) -> Checked:
    """Verify a signature with the key that it names.

    Args:
        signature: of the shape with a key hint.
        keys: roots made of keys -> (path, content) of each key file; all are read, so that a damaged one is found.

    Raises:
        TrustRefused: ``MOP3012`` it does not verify, ``MOP3109``, ``MOP3130`` a key cannot be used, ``MOP3123`` no
            root has the key.
    """
    hint = signature.key_hint
    found: PublicKey | None = None
    roots = []
    for root, files in keys.items():
        loaded = {hint_of(key): key for key in (load(pem, where=path) for path, pem in files)}
        if hint in loaded:
            roots.append(root)
            found = loaded[hint]
    if found is None:
        raise _unknown(signature, keys)
    payload_type, payload, value = signature.envelope()
    try:
        _verify(found, value, pre_authentication_encoding(payload_type, payload))
    except InvalidSignature as error:
        raise refuse(
            Code.KEY_SIGNATURE,
            f"the signature does not verify with the key {hint!r}",
            where=signature.where,
            fix="get the bundle and its signature again from where they came from",
        ) from error
    return Checked(roots=tuple(roots), payload_type=payload_type, payload=payload, key_hint=hint)


def _verify(key: PublicKey, value: bytes, message: bytes) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(value, message)
    else:
        key.verify(value, message, _EcdsaSha256())


def _unknown(signature: SignatureFile, roots: Mapping[Root, object]) -> Exception:
    known = ", ".join(repr(root.name) for root in roots) or "none"
    return refuse(
        Code.KEY_UNKNOWN,
        f"the signature was made with the key {signature.key_hint!r}, which no root of the trust policy has",
        where=signature.where,
        why=f"keys count if the trust policy names their file; roots made of keys: {known}",
        fix="mobileops trust add key FILE --plugins NAME, if you trust the key's owner",
    )
