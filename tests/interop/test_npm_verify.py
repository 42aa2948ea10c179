"""npm @sigstore/verify accepts what the modes ``local`` and ``key`` sign, and not what was tampered with."""

from __future__ import annotations

import base64
import json

import pytest

from mobileops.toolchain.sign import LocalInstance, LocalSigner, keys


def tamper(path):
    """Change the signed statement."""
    document = json.loads(path.read_text())
    payload = base64.b64decode(document["dsseEnvelope"]["payload"]).replace(b'"echo"', b'"evil"')
    document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    path.write_text(json.dumps(document))


def signature_of(archive):
    return archive.with_name(f"{archive.name}.sigstore.json")


def test_local(publisher, npm_verify):
    instance = LocalInstance.open_or_create(publisher.home.sigstore)
    path = signature_of(publisher.publish_as(LocalSigner(instance, "dev@localhost")))
    arguments = ("--root", instance.directory / "trusted_root.json", path)
    code, payload, reason = npm_verify(*arguments, "dev@localhost", instance.issuer)
    assert (code, reason) == (0, "")
    assert json.loads(payload)["predicate"]["name"] == "echo"
    assert npm_verify(*arguments, "eve@localhost", instance.issuer)[0] == 1
    tamper(path)
    assert npm_verify(*arguments)[0] == 1


def test_local_of_another_instance(publisher, npm_verify, tmp_path):
    other = LocalInstance.open_or_create(tmp_path / "other")
    path = signature_of(publisher.publish_as(LocalSigner(other, "dev@localhost")))
    own = LocalInstance.open_or_create(publisher.home.sigstore)
    assert npm_verify("--root", other.directory / "trusted_root.json", path)[0] == 0
    assert npm_verify("--root", own.directory / "trusted_root.json", path)[0] == 1


@pytest.mark.parametrize("key_type", keys.KEY_TYPES)
def test_key(publisher, npm_verify, tmp_path, key_type):
    made = keys.generate(tmp_path / "keys", "release", key_type=key_type, passphrase=None)
    other = keys.generate(tmp_path / "keys", "other", key_type=key_type, passphrase=None)
    path = signature_of(publisher.publish_as(keys.load(made.path, passphrase=lambda: b"")))
    code, payload, reason = npm_verify("--key", made.path.with_suffix(".pub"), path)
    assert (code, reason) == (0, "")
    assert json.loads(payload)["predicate"]["name"] == "echo"
    assert npm_verify("--key", other.path.with_suffix(".pub"), path)[0] == 1
    tamper(path)
    assert npm_verify("--key", made.path.with_suffix(".pub"), path)[0] == 1
