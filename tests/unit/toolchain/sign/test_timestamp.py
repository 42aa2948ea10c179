from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from mobileops.toolchain.sign import certificates
from mobileops.toolchain.sign.timestamp import TimestampAuthority

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
