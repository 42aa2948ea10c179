"""Sign a statement with a key, as `KeySigner` does, but whatever it says and with whatever key."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mobileops.runtime.trust import keys
from mobileops.runtime.trust.signature_file import MEDIA_TYPE
from mobileops.runtime.trust.statement import PAYLOAD_TYPE

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.home import Home


def make_key(kind: str = "p256") -> Any:
    """Make a private key: p256, p384 or ed25519."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


def public_pem(key: Any) -> bytes:
    """Return what a key file holds."""
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def trusted_key(home: Home, folder: Path) -> Any:
    """Make a private key, and let a home trust its public half, ``release.pub`` in a folder, and nothing else."""
    key = make_key("ed25519")
    public = folder / "release.pub"
    public.write_bytes(public_pem(key))
    root = {"assurance": "key", "keys": [str(public)]}
    home.trust_policy.write_text(json.dumps({"version": 1, "roots": {"release": root}}))
    return key


def hint_of(key: Any) -> str:
    """Return the hint of a key, as cosign writes it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def sign_with_key(statement: bytes, key: Any, *, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return a signature file."""
    message = keys.pre_authentication_encoding(payload_type, statement)
    value = key.sign(message) if isinstance(key, ed25519.Ed25519PrivateKey) else key.sign(message, _ecdsa(key))
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint_of(key)}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(statement).decode(),
            "payloadType": payload_type,
            "signatures": [{"sig": base64.b64encode(value).decode()}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _ecdsa(key: ec.EllipticCurvePrivateKey) -> ec.ECDSA:
    return ec.ECDSA(hashes.SHA256() if key.curve.key_size == 256 else hashes.SHA384())
