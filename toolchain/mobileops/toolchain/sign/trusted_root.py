"""Describe an instance's keys the way Sigstore clients read them.

Formats: ``TrustedRoot`` 0.1 and ``ClientTrustConfig`` 0.1 of https://github.com/sigstore/protobuf-specs.
"""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest.json_text import canonical, loads
from mobileops.toolchain.sign import certificates

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
CLIENT_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
TIMESTAMP_PATH: Final = "/api/v1/timestamp"
SIGNING_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """The public side of an instance.

    Attributes:
        name: host name that stands for the instance.
        start: begin of its validity, RFC 3339 in UTC.
        log_key: key of the signature log; only its public half is used.
        certificate_log_key: key of the certificate transparency log, likewise.
        authorities: chain of the certificate authority, root last.
        timestamp_authorities: chain of the time-stamping authority, root last.
    """

    name: str
    start: str
    log_key: ec.EllipticCurvePrivateKey
    certificate_log_key: ec.EllipticCurvePrivateKey
    authorities: tuple[x509.Certificate, ...]
    timestamp_authorities: tuple[x509.Certificate, ...]

    def trusted_root(self) -> bytes:
        """Return the ``TrustedRoot``, canonical JSON."""
        return canonical(
            {
                "mediaType": MEDIA_TYPE,
                "tlogs": [self._log(self.log_key)],
                "certificateAuthorities": [self._chain(self.authorities)],
                "ctlogs": [self._log(self.certificate_log_key)],
                "timestampAuthorities": [self._chain(self.timestamp_authorities)],
            }
        )

    def _log(self, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
        return {
            "baseUrl": f"https://{self.name}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _text(certificates.public_der(key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": self.start},
            },
            "logId": {"keyId": _text(certificates.key_id(key))},
        }

    def _chain(self, chain: tuple[x509.Certificate, ...]) -> dict[str, Any]:
        encoded = [{"rawBytes": _text(certificates.certificate_der(certificate))} for certificate in chain]
        return {
            "subject": {"organization": self.name, "commonName": "local"},
            "uri": f"https://{self.name}",
            "certChain": {"certificates": encoded},
            "validFor": {"start": self.start},
        }


def client_trust_config(trusted_root: bytes, *, url: str | None = None, start: str | None = None) -> bytes:
    """Wrap a trust root as ``sigstore --trust-config`` reads it.

    Args:
        trusted_root: the ``TrustedRoot``.
        url: where the services of the instance are; without one the configuration can only verify.
        start: begin of their validity, RFC 3339 in UTC.
    """
    signing: dict[str, Any] = {"mediaType": SIGNING_MEDIA_TYPE}
    if url is not None:

        def service(place: str) -> list[dict[str, Any]]:
            return [{"url": place, "majorApiVersion": 1, "validFor": {"start": start}, "operator": "local"}]

        signing |= {
            "caUrls": service(url),
            "oidcUrls": service(url),
            "rekorTlogUrls": service(url),
            "tsaUrls": service(f"{url}{TIMESTAMP_PATH}"),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }
    return canonical(
        {
            "mediaType": CLIENT_MEDIA_TYPE,
            "trustedRoot": loads(trusted_root, where="trusted_root.json"),
            "signingConfig": signing,
        }
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
