from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mobileops.errors import TrustRefused
from mobileops.runtime.trust.certificate import ARC, ISSUER_DER, ISSUER_RAW, read

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
EMAIL = x509.RFC822Name("dev@localhost")
RAW = (ISSUER_RAW, b"https://issuer")
DER = (ISSUER_DER, b"\x0c\x0ehttps://issuer")


def certificate(names, extensions):
    nobody = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(nobody).issuer_name(nobody).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(minutes=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for oid, value in extensions:
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256())


@pytest.mark.parametrize("extensions", [[RAW], [DER], [RAW, DER]], ids=["raw", "der", "both"])
def test_the_issuer_is_read_from_either_extension(extensions):
    assert read(certificate([EMAIL], extensions), where="x") == ("https://issuer", "dev@localhost", {})


def test_the_claims_of_the_build_are_read_as_plain_values():
    uri = "https://github.com/acme/plugins/.github/workflows/" + "x" * 300
    long = b"\x0c\x82" + len(uri).to_bytes(2) + uri.encode()
    unknown = ("1.3.6.1.4.1.57264.1.99", b"\x0c\x01x")
    extensions = [RAW, (f"{ARC}20", b"\x0c\x04push"), (f"{ARC}15", b"\x0c\x041234"), (f"{ARC}18", long), unknown]
    expected = {"build_trigger": "push", "source_repository_identifier": "1234", "build_config_uri": uri}
    assert read(certificate([EMAIL], extensions), where="x").claims == expected


def test_a_uri_is_an_identity_too():
    name = x509.UniformResourceIdentifier("https://example.org/team")
    assert read(certificate([name], [DER]), where="x")[1] == "https://example.org/team"


def test_a_long_issuer_is_read():
    text = "https://" + "i" * 150
    encoded = b"\x0c\x81" + bytes([len(text)]) + text.encode()
    assert read(certificate([EMAIL], [(ISSUER_DER, encoded)]), where="x")[0] == text


@pytest.mark.parametrize(
    ("names", "extensions"),
    [
        ([], [RAW]),
        ([EMAIL, x509.RFC822Name("boss@localhost")], [RAW]),
        ([EMAIL, x509.DNSName("localhost")], [RAW]),
        ([x509.DNSName("localhost")], [RAW]),
        ([EMAIL], []),
        ([EMAIL], [RAW, (ISSUER_DER, b"\x0c\x01x")]),
        ([EMAIL], [(ISSUER_RAW, b"\xff")]),
        ([EMAIL], [(ISSUER_DER, b"")]),
        ([EMAIL], [(ISSUER_DER, b"\x0c")]),
        ([EMAIL], [(ISSUER_DER, b"\x04\x01x")]),
        ([EMAIL], [(ISSUER_DER, b"\x0c\x01xy")]),
        ([EMAIL], [(ISSUER_DER, b"\x0c\x02x")]),
        ([EMAIL], [(ISSUER_DER, b"\x0c\x81\x01x")]),
        ([EMAIL], [(ISSUER_DER, b"\x0c\x80x\x00\x00")]),
        ([EMAIL], [RAW, (f"{ARC}20", b"push")]),
        ([EMAIL], [RAW, (f"{ARC}20", b"\x0c\x82\x00\x01x")]),
    ],
    ids=[
        "no identity",
        "two identities",
        "identity and host",
        "host",
        "no issuer",
        "two issuers",
        "not UTF-8",
        "nothing",
        "only a tag",
        "another tag",
        "trailing",
        "too short",
        "long form",
        "indefinite",
        "claim without a tag",
        "claim in the long form",
    ],
)
def test_anything_but_one_identity_and_one_issuer_is_refused(names, extensions):
    with pytest.raises(TrustRefused) as caught:
        read(certificate(names, extensions), where="x")
    assert (caught.value.code, caught.value.outcome) == ("MOP3011", "invalid")
