from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused, HostFault, NotFoundError, PackagingError, UsageError
from mobileops.toolchain.sign import BuildInputs, LocalSigner, SignedBy, Source, sign_bundle

SCHEMA = Path(__file__).parents[4] / "schema/attestations/plugin-publish/v1.schema.json"


def statement_of(signed, stock_verify):
    return json.loads(stock_verify(signed.path.read_bytes())[1])


def test_the_signature_lies_beside_the_bundle_and_says_how_it_was_made(archive, instance):
    signed = sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    assert signed.path == archive.with_name("tiny-plugin-1.2.3.zip.sigstore.json")
    assert signed.by == SignedBy("local", "dev@localhost", instance.issuer, "local")
    assert stat.S_IMODE(signed.path.stat().st_mode) == 0o644


def test_the_statement_names_the_archive_and_its_file_table(archive, instance, stock_verify):
    statement = statement_of(sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost")), stock_verify)
    with open_bundle(archive) as bundle:
        files_sha256, manifest = bundle.files_digest, bundle.manifest
    assert statement["subject"] == [
        {"name": archive.name, "digest": {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}},
        {"name": ".mobileops/files.json", "digest": {"sha256": files_sha256}},
    ]
    assert statement["predicate"]["manifestDigest"] == {"sha256": manifest.digest}
    assert statement["predicate"]["permissions"] == ["network.http"]
    assert statement["predicate"]["tool"]["name"] == "mobileops-toolchain"


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {
            "source": Source("https://example.org/tiny.git", "0" * 40),
            "inputs": BuildInputs("deflate 0.9.0", {"stored": "true"}, "1980-01-01T00:00:00Z"),
        },
    ],
)
def test_the_statement_follows_its_published_schema(archive, instance, stock_verify, extra):
    statement = statement_of(sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"), **extra), stock_verify)
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(statement)
    assert ("source" in statement["predicate"], "build" in statement["predicate"]) == (bool(extra), bool(extra))


def test_signing_again_replaces_the_signature_as_a_whole(archive, instance, stock_verify):
    first = sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost")).path.read_bytes()
    second = sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    assert second.path.read_bytes() != first
    stock_verify(second.path.read_bytes())
    assert len(list(archive.parent.iterdir())) == 2


def test_a_bundle_that_the_reader_refuses_is_never_signed(archive, instance):
    archive.write_bytes(archive.read_bytes() + b"appended")
    with pytest.raises(BundleRefused):
        sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    assert list(archive.parent.iterdir()) == [archive]


def test_a_bundle_whose_member_was_changed_is_never_signed(archive, instance):
    archive.write_bytes(archive.read_bytes().replace(b"x = 1\n", b"x = 2\n"))
    with pytest.raises(BundleRefused):
        sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    assert list(archive.parent.iterdir()) == [archive]


def test_a_file_named_after_another_plugin_is_not_signed(archive, instance):
    renamed = archive.rename(archive.with_name("famous-plugin-1.2.3.zip"))
    with pytest.raises(PackagingError) as caught:
        sign_bundle(renamed, signer=LocalSigner(instance, "dev@localhost"))
    assert caught.value.code == "MOP3207"


def test_a_platform_tag_belongs_to_the_name(archive, instance):
    renamed = archive.rename(archive.with_name("tiny-plugin-1.2.3-linux_x86_64-cp311.zip"))
    assert sign_bundle(renamed, signer=LocalSigner(instance, "dev@localhost")).path.exists()


def test_a_bundle_that_is_not_there_is_not_found(tmp_path, instance):
    with pytest.raises(NotFoundError):
        sign_bundle(tmp_path / "none-1.0.0.zip", signer=LocalSigner(instance, "dev@localhost"))


def test_an_unusable_identity_writes_nothing(archive, instance):
    with pytest.raises(UsageError):
        sign_bundle(archive, signer=LocalSigner(instance, "nobody"))
    assert list(archive.parent.iterdir()) == [archive]


def test_a_signature_that_cannot_be_written_is_a_fault_of_the_host(archive, instance, monkeypatch):
    def read_only(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", read_only)
    with pytest.raises(HostFault) as caught:
        sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    assert caught.value.code == "MOP3208"
    assert list(archive.parent.iterdir()) == [archive]


def stock_command_line(archive, instance, tmp_path, *, identity="dev@localhost"):
    """Run the stock ``sigstore`` program with the exported trust configuration and an empty home."""
    configuration = tmp_path / "trust_config.json"
    configuration.write_bytes(instance.client_trust_config_json())
    command = [
        sys.executable,
        "-m",
        "sigstore",
        "--trust-config",
        str(configuration),
        "verify",
        "identity",
        "--offline",
    ]
    command += ["--cert-identity", identity, "--cert-oidc-issuer", instance.issuer, str(archive)]
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_stock_command_line_verifies_a_signed_bundle_offline(archive, instance, tmp_path):
    sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    result = stock_command_line(archive, instance, tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"OK: {archive}" in result.stderr


@pytest.mark.parametrize("tamper", ["archive", "identity"])
def test_the_stock_command_line_refuses_what_is_not_as_signed(archive, instance, tmp_path, tamper):
    sign_bundle(archive, signer=LocalSigner(instance, "dev@localhost"))
    if tamper == "archive":
        archive.write_bytes(archive.read_bytes() + b"x")
    identity = "other@localhost" if tamper == "identity" else "dev@localhost"
    result = stock_command_line(archive, instance, tmp_path, identity=identity)
    assert result.returncode != 0
    assert "FAIL" in result.stderr
