"""The three services of an instance as their clients call them: Fulcio v2, Rekor v1 and a time-stamping authority.

https://github.com/sigstore/fulcio/blob/main/fulcio.proto (``CreateSigningCertificate`` with a request in PKCS#10),
https://github.com/sigstore/rekor/blob/main/openapi.yaml (``createLogEntry`` with ``dsse`` or ``hashedrekord``), and
RFC 3161 section 3.4. The log takes only what a certificate of the instance has signed.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from mobileops.errors import ManifestError
from mobileops.manifest.json_text import canonical, loads
from mobileops.toolchain.sign.dsse import pre_authentication_encoding
from mobileops.toolchain.sign.log import KIND as DSSE
from mobileops.toolchain.sign.log import KIND_VERSION, digest
from mobileops.toolchain.sign.timestamp import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mobileops.toolchain.sign.local import LocalInstance
    from mobileops.toolchain.sign.serve.token import TokenMint

HASHED: Final = "hashedrekord"
JSON: Final = "application/json"


class Denied(Exception):
    """The token is not the one of this server."""


class Malformed(Exception):
    """A request is not what its service takes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoints:
    """What the instance answers.

    Attributes:
        instance: who answers.
        mint: whose token a certificate needs.
        clock: the time in UTC.
    """

    instance: LocalInstance
    mint: TokenMint
    clock: Callable[[], datetime]

    def certificate(self, body: bytes, bearer: str) -> bytes:
        """Certify the key of a request in PKCS#10 for the identity of the token.

        Raises:
            Denied: the token is another one.
            Malformed: there is no request, its key is not of P-256, or it was not signed with it.
        """
        if not self.mint.accepts(bearer, now=self.clock()):
            raise Denied
        try:
            request = x509.load_pem_x509_csr(base64.b64decode(_json(body)["certificateSigningRequest"], validate=True))
            key = request.public_key()
            if not request.is_signature_valid or not _is_p256(key):
                raise ValueError("the request is not signed with a P-256 key of its own")  # noqa: TRY301 - as the others
        except (KeyError, TypeError, ValueError, x509.UnsupportedGeneralNameType) as error:
            raise Malformed(str(error)) from error
        assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - for the type checker; checked above
        chain = (self.instance.certify(key, identity=self.mint.identity), *self.instance.chain())
        encoded = [each.public_bytes(serialization.Encoding.PEM).decode("ascii") for each in chain]
        return canonical({"signedCertificateEmbeddedSct": {"chain": {"certificates": encoded}}})

    def entry(self, body: bytes) -> bytes:
        """Append an entry to the log.

        Raises:
            Malformed: it is of another kind, or not signed by a certificate of this instance.
        """
        proposed = _json(body)
        try:
            kind, specification = proposed["kind"], proposed["spec"]
            if proposed["apiVersion"] != KIND_VERSION or kind not in {DSSE, HASHED}:
                raise ValueError("the log takes dsse and hashedrekord entries of version 0.0.1")  # noqa: TRY301
            read = _dsse if kind == DSSE else _hashed
            stored = read(specification, self.instance)
        except (KeyError, IndexError, TypeError, ValueError, ManifestError, InvalidSignature) as error:
            raise Malformed(f"the entry does not verify: {type(error).__name__}: {error}") from error
        entry = canonical({"apiVersion": KIND_VERSION, "kind": kind, "spec": stored})
        return canonical(_answer(self.instance.log(entry, kind)))

    def timestamp(self, body: bytes) -> bytes:
        """Answer a TimeStampReq with a TimeStampResp.

        Raises:
            Malformed: it is none.
        """
        try:
            return self.instance.stamp(Request.parse(body))
        except ValueError as error:
            raise Malformed(str(error)) from error


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = loads(body, where="request", limit=len(body))
    except ManifestError as error:
        raise Malformed(error.what) from error
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    return document


def _is_p256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == ec.SECP256R1.name


def _verifier(encoded: str, instance: LocalInstance) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate that this instance issued, base64 of PEM.

    Raises:
        ValueError: it is no such certificate.
    """
    certificate = x509.load_pem_x509_certificate(base64.b64decode(encoded, validate=True))
    key = certificate.public_key()
    if not instance.has_certified(certificate) or not isinstance(key, ec.EllipticCurvePublicKey):
        message = "it is not signed by a valid certificate of this instance"
        raise ValueError(message)
    return key


def _dsse(specification: Any, instance: LocalInstance) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return what is stored of an envelope: digests, the signature and its certificate."""
    envelope_text, (verifier,) = (specification["proposedContent"][key] for key in ("envelope", "verifiers"))
    envelope = loads(envelope_text.encode(), where="envelope", limit=len(envelope_text.encode()))
    (signature,) = envelope["signatures"]
    payload = base64.b64decode(envelope["payload"], validate=True)
    message = pre_authentication_encoding(envelope["payloadType"], payload)
    raw = base64.b64decode(signature["sig"], validate=True)
    _verifier(verifier, instance).verify(raw, message, ec.ECDSA(hashes.SHA256()))
    return {
        "envelopeHash": digest(envelope_text.encode()),
        "payloadHash": digest(payload),
        "signatures": [{"signature": signature["sig"], "verifier": verifier}],
    }


def _hashed(specification: Any, instance: LocalInstance) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return what is stored of a signed digest."""
    signature = specification["signature"]
    content, verifier = signature["content"], signature["publicKey"]["content"]
    named = specification["data"]["hash"]
    if named["algorithm"] != "sha256":
        message = "the digest is not of SHA-256"
        raise ValueError(message)
    raw, signed = base64.b64decode(content, validate=True), binascii.unhexlify(named["value"])
    _verifier(verifier, instance).verify(raw, signed, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    return {
        "data": {"hash": {"algorithm": "sha256", "value": named["value"]}},
        "signature": {"content": content, "publicKey": {"content": verifier}},
    }


def _answer(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as Rekor's interface of version 1 writes it: digests in hexadecimal, one key, its identifier."""
    proof = entry["inclusionProof"]
    body = base64.b64decode(entry["canonicalizedBody"])
    return {
        hashlib.sha256(b"\x00" + body).hexdigest(): {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": _hexadecimal(entry["logId"]["keyId"]),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "logIndex": int(proof["logIndex"]),
                    "treeSize": int(proof["treeSize"]),
                    "rootHash": _hexadecimal(proof["rootHash"]),
                    "hashes": [_hexadecimal(node) for node in proof["hashes"]],
                    "checkpoint": proof["checkpoint"]["envelope"],
                },
            },
        }
    }


def _hexadecimal(text: str) -> str:
    return base64.b64decode(text).hex()
