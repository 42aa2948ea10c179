from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat import asn1

from mobileops.toolchain.sign import der


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (der.integer(0), "020100"),
        (der.integer(127), "02017f"),
        (der.integer(128), "02020080"),
        (der.integer(256), "02020100"),
        (der.null(), "0500"),
        (der.octet_string(b"ab"), "04026162"),
        (der.utf8_string("é"), "0c02c3a9"),
        (der.object_identifier("1.2.840.113549"), "06062a864886f70d"),
        (der.generalized_time(datetime(2026, 11, 22, 13, 5, 9, tzinfo=UTC)), "180f" + b"20261122130509Z".hex()),
        (der.sequence(der.null(), der.integer(1)), "30050500020101"),
    ],
)
def test_values_are_encoded_as_x690_says(encoded, expected):
    assert encoded.hex() == expected


@pytest.mark.parametrize(
    ("size", "header"), [(127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100"), (65536, "0483010000")]
)
def test_a_length_takes_the_fewest_bytes(size, header):
    assert der.octet_string(bytes(size)).hex().startswith(header)
    assert len(der.octet_string(bytes(size))) == size + len(header) // 2


def test_a_set_is_sorted_by_its_encodings():
    assert der.set_of(der.integer(2), der.integer(1)) == der.set_of(der.integer(1), der.integer(2))


def test_cryptography_reads_the_strings_that_are_written():
    for text in ("", "a", "a" * 127, "a" * 128, "ü" * 400):
        assert asn1.decode_der(str, der.utf8_string(text)) == text


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70000])
def test_a_value_is_split_from_what_follows(size):
    assert der.split(der.octet_string(bytes(size)) + b"more") == (der.TAG_OCTET_STRING, bytes(size), b"more")


@pytest.mark.parametrize("encoded", ["", "04", "0402ff", "048101ff", "04820001ff", "0480", "0485" + "00" * 5, "0481"])
def test_a_value_that_is_cut_off_or_not_in_shortest_form_is_refused(encoded):
    with pytest.raises(ValueError, match=r"a value|a length"):
        der.split(bytes.fromhex(encoded))
