"""What is known by its name not to be a plugin's own."""

from __future__ import annotations

import pytest

from mobileops.toolchain.leftovers import file_reason, private_file


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "a/.env",
        ".env.local",
        ".netrc",
        ".pypirc",
        ".npmrc",
        "id_rsa",
        "a/id_ed25519_sk",
        "x.key",
        "x.p12",
        "x.kdbx",
    ],
)
def test_a_private_file_is_known_by_its_name_and_left_out(name):
    assert private_file(name) is not None
    assert file_reason(name, plugin="good") == private_file(name)


@pytest.mark.parametrize(
    "name", ["main.py", ".env.example", ".environment", "id_rsa.pub", "keys.txt", ".env/readme.md"]
)
def test_other_files_are_not_private(name):
    assert private_file(name) is None
