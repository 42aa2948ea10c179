"""A transparency log: write entries as Rekor v1 does, with inclusion proof, checkpoint and signed entry timestamp.

Formats: the entry of https://github.com/sigstore/protobuf-specs (``rekor.v1.TransparencyLogEntry``), the checkpoint of
https://github.com/transparency-dev/formats/blob/main/log/README.md, the entry body of Rekor's ``dsse`` type 0.0.1.
Version 1 is written because every Sigstore client reads it; version 2 of DSSE entries needs sigstore-python 4.3.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mobileops.manifest.json_text import canonical
from mobileops.toolchain.sign import certificates, merkle

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from mobileops.toolchain.sign.dsse import Envelope

KIND: Final = "dsse"
KIND_VERSION: Final = "0.0.1"
KEY_HINT_BYTES: Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class TransparencyLog:
    """One append-only log.

    Attributes:
        tree: file of the Merkle tree.
        key: P-256 key that signs checkpoints and entry timestamps.
        origin: name of the log, the first line of every checkpoint.
    """

    tree: Path
    key: ec.EllipticCurvePrivateKey
    origin: str

    def add(self, envelope: Envelope, certificate: x509.Certificate, *, now: datetime) -> dict[str, Any]:
        """Append a signed envelope and return its ``TransparencyLogEntry`` as JSON values.

        Raises:
            OSError: the tree cannot be written; nothing was appended.
        """
        return self.append(_body(envelope, certificate), KIND, now=now)

    def append(self, body: bytes, kind: str, *, now: datetime) -> dict[str, Any]:
        """Append an entry in canonical form and return its ``TransparencyLogEntry`` as JSON values.

        Raises:
            OSError: the tree cannot be written; nothing was appended.
        """
        appended = merkle.append(self.tree, body)
        log_id = certificates.key_id(self.key)
        second = int(now.timestamp())
        return {
            "logIndex": str(appended.index),
            "logId": {"keyId": _text(log_id)},
            "kindVersion": {"kind": kind, "version": KIND_VERSION},
            "integratedTime": str(second),
            "inclusionPromise": {"signedEntryTimestamp": _text(self._promise(body, appended.index, second))},
            "inclusionProof": {
                "logIndex": str(appended.index),
                "rootHash": _text(appended.root),
                "treeSize": str(appended.size),
                "hashes": [_text(node) for node in appended.path],
                "checkpoint": {"envelope": self._checkpoint(appended)},
            },
            "canonicalizedBody": _text(body),
        }

    def _promise(self, body: bytes, index: int, second: int) -> bytes:
        """Sign what Rekor v1 signs as its promise to include the entry."""
        log_id = certificates.key_id(self.key).hex()
        promised = {"body": _text(body), "integratedTime": second, "logID": log_id, "logIndex": index}
        return self._sign(canonical(promised))

    def _checkpoint(self, appended: merkle.Appended) -> str:
        note = f"{self.origin}\n{appended.size}\n{_text(appended.root)}\n"
        hint = certificates.key_id(self.key)[:KEY_HINT_BYTES]
        return f"{note}\n\u2014 {self.origin} {_text(hint + self._sign(note.encode()))}\n"

    def _sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


def _body(envelope: Envelope, certificate: x509.Certificate) -> bytes:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return canonical(
        {
            "apiVersion": KIND_VERSION,
            "kind": KIND,
            "spec": {
                "envelopeHash": digest(canonical(envelope.to_dict())),
                "payloadHash": digest(envelope.payload),
                "signatures": [{"signature": _text(envelope.signature), "verifier": _text(pem)}],
            },
        }
    )


def digest(data: bytes) -> dict[str, str]:
    """Return a SHA-256 as entries of the log have it."""
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
