"""The Dead Simple Signing Envelope, https://github.com/secure-systems-lab/dsse (v1)."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

if TYPE_CHECKING:
    from typing import Self

SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers: type and payload, each with its length."""
    encoded_type = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded_type), encoded_type, len(payload), payload)


@dataclasses.dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with one signature over its type and its bytes."""

    payload_type: str
    payload: bytes
    signature: bytes

    @classmethod
    def sign(cls, payload: bytes, payload_type: str, *, key: SigningKey) -> Self:
        """Sign with ECDSA over SHA-256, or with Ed25519, as the key demands."""
        message = pre_authentication_encoding(payload_type, payload)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(payload_type, payload, key.sign(message))
        return cls(payload_type, payload, key.sign(message, ec.ECDSA(hashes.SHA256())))

    def to_dict(self) -> dict[str, Any]:
        """Return the envelope as JSON values."""
        return {
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "payloadType": self.payload_type,
            "signatures": [{"sig": base64.b64encode(self.signature).decode("ascii")}],
        }
