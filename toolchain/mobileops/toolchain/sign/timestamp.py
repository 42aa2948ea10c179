"""A time-stamping authority: answer with RFC 3161 tokens signed by a key of the local instance."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mobileops.toolchain.sign import der

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from cryptography import x509

POLICY: Final = "1.3.6.1.4.1.57264.2"  # the policy identifier that Sigstore's own authority uses
CONTENT_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo, RFC 3161 section 2.4.2
CONTENT_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"  # id-signedData, RFC 5652 section 5.1
ATTRIBUTE_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
ATTRIBUTE_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
ATTRIBUTE_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"  # RFC 5816
SERIAL_BITS: Final = 120

_SHA256_IDENTIFIER: Final = der.object_identifier("2.16.840.1.101.3.4.2.1")
_SHA256: Final = der.sequence(_SHA256_IDENTIFIER, der.null())
_ECDSA_SHA256: Final = der.sequence(der.object_identifier("1.2.840.10045.4.3.2"))
_REQUEST_TAGS: Final = (der.TAG_SEQUENCE, der.TAG_INTEGER, der.TAG_SEQUENCE, der.TAG_SEQUENCE, der.TAG_OCTET_STRING)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a time stamp is asked for.

    Attributes:
        digest: SHA-256 of the message.
        nonce: content of the INTEGER that the answer repeats, None for none.
        wants_certificate: whether the token shall carry the authority's certificate.
    """

    digest: bytes
    nonce: bytes | None = None
    wants_certificate: bool = False

    @classmethod
    def parse(cls, encoded: bytes) -> Self:
        """Read a TimeStampReq (RFC 3161 section 2.4.1); a policy that it demands is not looked at.

        Raises:
            ValueError: it is malformed, or not about a SHA-256 digest.
        """
        tag, body, rest = der.split(encoded)
        version_tag, version, body = der.split(body)
        imprint_tag, imprint, body = der.split(body)
        algorithm_tag, algorithm, imprint = der.split(imprint)
        digest_tag, digest, more = der.split(imprint)
        tags = (tag, version_tag, imprint_tag, algorithm_tag, digest_tag)
        if tags != _REQUEST_TAGS or version != b"\x01" or rest or more or len(digest) != hashlib.sha256().digest_size:
            message = "not a time stamp request of version 1 for one digest"
            raise ValueError(message)
        if der.split(algorithm)[:2] != der.split(_SHA256_IDENTIFIER)[:2]:
            message = "the digest is not of SHA-256"
            raise ValueError(message)
        found: dict[int, bytes] = {}
        while body:
            tag, value, body = der.split(body)
            found[tag] = value
        wants = found.get(der.TAG_BOOLEAN, b"\x00") != b"\x00"
        return cls(digest, found.get(der.TAG_INTEGER), wants)


@dataclasses.dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """The key and certificate that vouch for a moment.

    Attributes:
        key: P-256 signing key.
        certificate: its certificate, with timeStamping as its only, critical extended key usage.
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def stamp(self, message: bytes, *, now: datetime) -> bytes:
        """Return a granted TimeStampResp over the SHA-256 of ``message`` (RFC 3161 section 2.4.2)."""
        return self.answer(Request(hashlib.sha256(message).digest()), now=now)

    def answer(self, request: Request, *, now: datetime) -> bytes:
        """Return a granted TimeStampResp to a request."""
        info = _tst_info(request, now)
        attributes = sorted(self._signed_attributes(info))
        # The signature covers the attributes as a SET, though the message carries them under [0] (RFC 5652, 5.4).
        signature = self.key.sign(der.set_of(*attributes), ec.ECDSA(hashes.SHA256()))
        signer = der.sequence(
            der.integer(1),
            der.sequence(self.certificate.issuer.public_bytes(), der.integer(self.certificate.serial_number)),
            _SHA256,
            der.tlv(der.TAG_CONTEXT_0, *attributes),
            _ECDSA_SHA256,
            der.octet_string(signature),
        )
        content = der.sequence(
            der.object_identifier(CONTENT_TST_INFO), der.tlv(der.TAG_CONTEXT_0, der.octet_string(info))
        )
        own = self.certificate.public_bytes(serialization.Encoding.DER)
        certificates = (der.tlv(der.TAG_CONTEXT_0, own),) if request.wants_certificate else ()
        signed_data = der.sequence(der.integer(3), der.set_of(_SHA256), content, *certificates, der.set_of(signer))
        token = der.sequence(der.object_identifier(CONTENT_SIGNED_DATA), der.tlv(der.TAG_CONTEXT_0, signed_data))
        granted = der.sequence(der.integer(0))
        return der.sequence(granted, token)

    def _signed_attributes(self, info: bytes) -> tuple[bytes, ...]:
        encoded = self.certificate.public_bytes(serialization.Encoding.DER)
        own_digest = der.sequence(der.octet_string(hashlib.sha256(encoded).digest()))
        return (
            _attribute(ATTRIBUTE_CONTENT_TYPE, der.object_identifier(CONTENT_TST_INFO)),
            _attribute(ATTRIBUTE_MESSAGE_DIGEST, der.octet_string(hashlib.sha256(info).digest())),
            _attribute(ATTRIBUTE_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(own_digest))),
        )


def _tst_info(request: Request, now: datetime) -> bytes:
    nonce = () if request.nonce is None else (der.tlv(der.TAG_INTEGER, request.nonce),)
    return der.sequence(
        der.integer(1),
        der.object_identifier(POLICY),
        der.sequence(_SHA256, der.octet_string(request.digest)),
        der.integer(secrets.randbits(SERIAL_BITS)),
        der.generalized_time(now),
        *nonce,
    )


def _attribute(identifier: str, value: bytes) -> bytes:
    return der.sequence(der.object_identifier(identifier), der.set_of(value))
