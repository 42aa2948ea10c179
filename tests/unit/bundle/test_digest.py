from __future__ import annotations

import hashlib
import os

import pytest

from mobileops.bundle import bundle_file_name, sha256_of_descriptor, sha256_of_file, signature_path


def test_a_file_of_several_chunks_is_hashed(tmp_path):
    data = os.urandom(700_000)
    (tmp_path / "a").write_bytes(data)
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_only_the_promised_bytes_are_hashed(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")
    with (tmp_path / "a").open("rb") as stream:
        assert sha256_of_descriptor(stream.fileno(), size=3) == hashlib.sha256(b"abc").hexdigest()
        assert sha256_of_descriptor(stream.fileno(), size=99) == hashlib.sha256(b"abcdef").hexdigest()


def test_a_link_is_not_hashed(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(OSError, match="symbolic"):
        sha256_of_file(tmp_path / "link")


def test_the_file_name_has_the_platform_only_when_there_is_one(tmp_path):
    assert bundle_file_name("demo", "1.0.0") == "demo-1.0.0.zip"
    assert bundle_file_name("demo", "1.0.0", platform="linux_x86_64-cp311") == "demo-1.0.0-linux_x86_64-cp311.zip"
    assert signature_path(tmp_path / "demo-1.0.0.zip") == tmp_path / "demo-1.0.0.zip.sigstore.json"
