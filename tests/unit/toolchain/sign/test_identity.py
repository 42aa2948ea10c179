from __future__ import annotations

import pytest
from cryptography import x509

from mobileops.errors import UsageError
from mobileops.toolchain.sign.identity import general_name


@pytest.mark.parametrize("text", ["dev@localhost", "a.b+c@example.org", "x@y"])
def test_an_email_address_becomes_an_email_name(text):
    assert general_name(text) == x509.RFC822Name(text)


@pytest.mark.parametrize("text", ["https://example.org/team@1", "spiffe://fleet/node"])
def test_a_uri_becomes_a_uri_name(text):
    assert general_name(text) == x509.UniformResourceIdentifier(text)


@pytest.mark.parametrize(
    "text",
    ["", "dev", "a b@c", "dev@", "@c", "dév@localhost", "a@b\n", "https://x/\u202e", "Https://x", "a@" + "b" * 300],
)
def test_anything_that_could_be_misread_is_refused(text):
    with pytest.raises(UsageError) as caught:
        general_name(text)
    assert caught.value.code == "MOP3201"
