"""Secrets: each documented shape is seen, and what only resembles one is not."""

from __future__ import annotations

import pytest

from mobileops.toolchain.secrets import MAX_SCANNED_BYTES, find_secret

PLANTED = [
    "-----BEGIN " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a" * 36,
    "github_pat_" + "a" * 70,
    "glpat-" + "a" * 20,
    "xoxb-" + "123456789-abcdefghijklm",
    "sk_live_" + "a" * 24,
    "npm_" + "a" * 36,
    "pypi-AgE" + "a" * 60,
]


@pytest.mark.parametrize("secret", PLANTED, ids=range(len(PLANTED)))
def test_a_secret_is_found_with_its_line(secret):
    found = find_secret(f"first\nx = '{secret}'\n".encode())
    assert found is not None
    assert (found.line, found.column) == (2, 6)
    assert str(found).endswith("on line 2")
    assert secret[12:] not in str(found)


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "ghp_short", "npm_config_cache", "AKIAabc", ""],
)
def test_what_only_resembles_a_secret_is_not(text):
    assert find_secret(text.encode()) is None


def test_a_private_key_in_a_binary_file_is_found_and_a_token_by_chance_is_not():
    assert find_secret(b"\0" + PLANTED[0].encode()) is not None
    assert find_secret(b"\0" + PLANTED[3].encode()) is None


def test_a_file_over_the_limit_is_not_searched():
    assert find_secret(PLANTED[0].encode().ljust(MAX_SCANNED_BYTES + 1)) is None
