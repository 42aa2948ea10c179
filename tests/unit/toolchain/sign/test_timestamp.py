from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rfc3161_client import (
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.base import HashAlgorithm

from mobileops.toolchain.sign import certificates, der
from mobileops.toolchain.sign.timestamp import Request, TimestampAuthority

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authorities():
    validity = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    root = certificates.certify(certificates.Profile("root", path_length=0), organization="o", validity=validity)
    profile = certificates.Profile("time", usage=certificates.TIME_STAMPING)
    return root, certificates.certify(profile, organization="o", validity=validity, parent=root)


@pytest.fixture(scope="module")
def verifier(authorities):
    root, leaf = authorities
    return VerifierBuilder().tsa_certificate(leaf.certificate).add_root_certificate(root.certificate).build()


def stamp(authorities, message, now=NOW):
    _, leaf = authorities
    return decode_timestamp_response(TimestampAuthority(leaf.key, leaf.certificate).stamp(message, now=now))


def test_an_independent_client_accepts_the_token(authorities, verifier):
    response = stamp(authorities, b"message")
    assert verifier.verify_message(response, b"message")
    assert response.tst_info.gen_time == NOW


def test_a_token_is_for_one_message_only(authorities, verifier):
    with pytest.raises(VerificationError):
        verifier.verify_message(stamp(authorities, b"message"), b"another")


def test_no_two_tokens_have_the_same_serial(authorities):
    assert stamp(authorities, b"m").tst_info.serial_number != stamp(authorities, b"m").tst_info.serial_number


@pytest.mark.parametrize("with_certificate", [True, False])
@pytest.mark.parametrize("with_nonce", [True, False])
def test_a_request_of_an_independent_client_is_answered(authorities, verifier, with_nonce, with_certificate):
    builder = TimestampRequestBuilder().data(b"message").hash_algorithm(HashAlgorithm.SHA256)
    asked = builder.nonce(nonce=with_nonce).cert_request(cert_request=with_certificate).build()
    _, leaf = authorities
    authority = TimestampAuthority(leaf.key, leaf.certificate)
    response = decode_timestamp_response(authority.answer(Request.parse(asked.as_bytes()), now=NOW))
    assert response.tst_info.nonce == asked.nonce
    assert bool(response.signed_data.certificates) == with_certificate
    assert verifier.verify_message(response, b"message")


def test_a_request_about_another_digest_is_refused():
    asked = TimestampRequestBuilder().data(b"message").hash_algorithm(HashAlgorithm.SHA512).build()
    with pytest.raises(ValueError, match=r"request|digest"):
        Request.parse(asked.as_bytes())
    # The same length, another algorithm: SHA3-256.
    imprint = der.sequence(der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.8")), der.octet_string(bytes(32)))
    with pytest.raises(ValueError, match="SHA-256"):
        Request.parse(der.sequence(der.integer(1), imprint))
