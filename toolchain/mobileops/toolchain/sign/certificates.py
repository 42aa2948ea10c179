"""Certificates of the local instance: its authorities, and the short-lived ones it issues to signers.

An issued certificate follows the profile of Fulcio, Sigstore's certificate authority
(https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md): empty subject, the identity as the
only, critical subject alternative name, the issuer of the identity in two extensions, and one embedded signed
certificate timestamp (RFC 6962 section 3.3).
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mobileops.toolchain.sign import der

if TYPE_CHECKING:
    from datetime import datetime

SIGNER_LIFETIME: Final = timedelta(minutes=10)
ISSUER_RAW: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")  # the text itself, kept for old verifiers
ISSUER_DER: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")  # the text as a DER UTF8String
SCT_LIST: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
CODE_SIGNING: Final = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING: Final = ExtendedKeyUsageOID.TIME_STAMPING


@dataclasses.dataclass(frozen=True, slots=True)
class Authority:
    """A key with the certificate that speaks for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """What tells one authority certificate from another.

    Attributes:
        common_name: shown in the certificate's subject.
        usage: the only extended key usage, or None for a root.
        path_length: certificate authorities allowed below, or None for a certificate that issues nothing.
    """

    common_name: str
    usage: x509.ObjectIdentifier | None = None
    path_length: int | None = None


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key: the one curve that every Sigstore client verifies."""
    return ec.generate_private_key(ec.SECP256R1())


def public_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the identifier of a log: SHA-256 of its SubjectPublicKeyInfo (RFC 6962 section 3.2)."""
    return hashlib.sha256(public_der(key)).digest()


def certificate_der(certificate: x509.Certificate) -> bytes:
    """Return a certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def certify(
    profile: Profile, *, organization: str, validity: tuple[datetime, datetime], parent: Authority | None = None
) -> Authority:
    """Make an authority with a new key, signed by ``parent`` or by itself."""
    key = new_key()
    issues = profile.path_length is not None
    subject = _name(organization, profile.common_name)
    signing_key = parent.key if parent else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent.certificate.subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.BasicConstraints(issues, profile.path_length), critical=True)
        .add_extension(_key_usage(signs=not issues, issues=issues), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if profile.usage is not None:
        # RFC 3161 section 2.3: a time-stamping certificate marks this extension critical.
        critical = profile.usage == TIME_STAMPING
        builder = builder.add_extension(x509.ExtendedKeyUsage([profile.usage]), critical=critical)
    return Authority(key, builder.sign(signing_key, hashes.SHA256()))


def issue(
    public_key: ec.EllipticCurvePublicKey,
    *,
    authority: Authority,
    log_key: ec.EllipticCurvePrivateKey,
    name: x509.GeneralName,
    issuer: str,
    now: datetime,
) -> x509.Certificate:
    """Issue a signer's certificate with an embedded signed certificate timestamp.

    Args:
        public_key: the signer's one-time key.
        authority: the intermediate that issues.
        log_key: key of the certificate transparency log.
        name: the signer's identity, the only subject alternative name.
        issuer: URL of whoever vouches for that identity.
        now: start of the validity, in whole seconds.
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + SIGNER_LIFETIME)
        .add_extension(_key_usage(signs=True, issues=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([CODE_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(x509.UnrecognizedExtension(ISSUER_RAW, issuer.encode()), critical=False)
        .add_extension(x509.UnrecognizedExtension(ISSUER_DER, der.utf8_string(issuer)), critical=False)
    )
    # The log signs the certificate without the timestamp; the certificate that is handed out carries it.
    unstamped = builder.sign(authority.key, hashes.SHA256()).tbs_certificate_bytes
    stamp = _signed_certificate_timestamp(unstamped, authority=authority, log_key=log_key, now=now)
    return builder.add_extension(stamp, critical=False).sign(authority.key, hashes.SHA256())


def _signed_certificate_timestamp(
    unstamped: bytes, *, authority: Authority, log_key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.UnrecognizedExtension:
    """Return the SCT list extension with one timestamp of type precert_entry (RFC 6962 section 3.2)."""
    milliseconds = int(now.timestamp() * 1000)
    signed = (
        struct.pack("!BBQH", 0, 0, milliseconds, 1)  # v1, certificate_timestamp, precert_entry
        + key_id(authority.key)
        + len(unstamped).to_bytes(3, "big")
        + unstamped
        + struct.pack("!H", 0)  # no extensions
    )
    signature = log_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    stamp = (
        struct.pack("!B32sQH", 0, key_id(log_key), milliseconds, 0)
        + struct.pack("!BBH", 4, 3, len(signature))  # SHA-256, ECDSA (RFC 5246 section 7.4.1.4.1)
        + signature
    )
    framed = struct.pack("!H", len(stamp)) + stamp
    return x509.UnrecognizedExtension(SCT_LIST, der.octet_string(struct.pack("!H", len(framed)) + framed))


def _name(organization: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*, signs: bool, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )
