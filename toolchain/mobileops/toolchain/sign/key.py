"""Mode ``key``: sign with a long-lived key, for fleets without a network and for keys in hardware.

The bundle is a Sigstore bundle v0.3 whose verification material is the hint of a public key, as cosign writes it and
the managed-key cases of sigstore-conformance demand: base64 of the SHA-256 of the DER SubjectPublicKeyInfo. A hint only
finds a key, it proves nothing: the verifier has the key itself from its trust policy. There is no certificate, no log
and no time in it, so such a signature lives until its key is taken out of the policy.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mobileops.errors import UsageError
from mobileops.manifest.json_text import canonical
from mobileops.runtime.trust.statement import PAYLOAD_TYPE
from mobileops.toolchain.sign.dsse import Envelope
from mobileops.toolchain.sign.local import BUNDLE_MEDIA_TYPE
from mobileops.toolchain.sign.signer import Signature, SignedBy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

    from mobileops.toolchain.sign.dsse import SigningKey

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_REASONS: Final = {
    "secp384r1": "sigstore-js hashes with SHA-256 whatever the curve, so not every client verifies P-384",
    "secp521r1": "not every Sigstore client verifies P-521",
}


def public_der(key: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key (RFC 5280 section 4.1)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def hint(key: PublicKey) -> str:
    """Return what finds a key in a trust policy: base64 of the SHA-256 of its SubjectPublicKeyInfo."""
    return base64.b64encode(hashlib.sha256(public_der(key)).digest()).decode("ascii")


def accept(key: PrivateKeyTypes | PublicKeyTypes, *, where: str) -> str:
    """Return the name of a key's type, ``p256`` or ``ed25519``.

    Raises:
        UsageError: ``MOP3213``, it is of another type.
    """
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "ed25519"
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) else None
    if curve == ec.SECP256R1.name:
        return "p256"
    raise UsageError(
        f"a key of type {curve or type(key).__name__.strip('_')!r} cannot sign bundles",
        code="MOP3213",
        where=where,
        why=_REASONS.get(curve or "", "P-256 and Ed25519 are what every Sigstore client with key support verifies"),
        fix="mobileops keys generate NAME makes one of type p256",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class KeySigner:
    """A private key that signs; see ``keys`` for where it comes from."""

    key: SigningKey

    @property
    def hint(self) -> str:
        """What finds its public half in a trust policy."""
        return hint(self.key.public_key())

    def sign(self, statement: bytes) -> Signature:
        """Sign an in-toto statement; the identity is the hint of the key."""
        envelope = Envelope.sign(statement, PAYLOAD_TYPE, key=self.key)
        material = {"publicKey": {"hint": self.hint}, "tlogEntries": []}
        document = {
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": envelope.to_dict(),
        }
        return Signature(canonical(document), SignedBy("key", self.hint, None, "key"))
