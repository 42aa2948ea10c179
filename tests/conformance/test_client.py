"""The client of the protocol, on cases that are made here: the suite's own are run by ``nox -s conformance``."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mobileops.manifest.json_text import canonical
from mobileops.toolchain.sign import KeySigner, LocalInstance, LocalSigner, keys
from tests.conformance import families, protocol, suite
from tests.fakes.served_instance import serving

CLIENT = Path(__file__).with_name("client")
ARTIFACT = b"artifact"
STATEMENT = canonical(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": hashlib.sha256(ARTIFACT).hexdigest()}}],
        "predicateType": "https://example.org/test",
        "predicate": {},
    }
)


@pytest.fixture
def instance(tmp_path):
    return LocalInstance.open_or_create(tmp_path / "instance")


def signed_artifact(key):
    """Return a bundle with a bare signature of the artifact, as cosign makes it with a key."""
    value = (
        key.sign(ARTIFACT, ec.ECDSA(hashes.SHA256()))
        if isinstance(key, ec.EllipticCurvePrivateKey)
        else key.sign(ARTIFACT)
    )
    document = json.loads(KeySigner(key).sign(STATEMENT).bundle)
    del document["dsseEnvelope"]
    digest = base64.b64encode(hashlib.sha256(ARTIFACT).digest()).decode()
    signature = base64.b64encode(value).decode()
    document["messageSignature"] = {
        "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
        "signature": signature,
    }
    return json.dumps(document).encode()


def tampered(bundle):
    document = json.loads(bundle)
    payload = STATEMENT.replace(b"example.org", b"example.net")
    document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    return json.dumps(document).encode()


@pytest.fixture
def checkout(tmp_path, instance):
    """A folder like a checkout of the suite, with cases of both modes that need no network."""
    assets = tmp_path / "checkout" / "test" / "assets" / "bundle-verify"
    assets.mkdir(parents=True)
    (assets / "a.txt").write_bytes(ARTIFACT)
    p256, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    local = LocalSigner(instance, "dev@localhost").sign(STATEMENT).bundle
    texts = {"identity": "dev@localhost", "issuer": instance.issuer}
    root = {"trusted_root.json": instance.trusted_root_json()}
    by_local = {**root, **{name: text.encode() for name, text in texts.items()}}
    by_key = {key: {"key.pub": keys.public_pem(key.public_key())} for key in (p256, edwards)}
    cases = {
        "local": {**by_local, "bundle.sigstore.json": local},
        "local-tampered_fail": {**by_local, "bundle.sigstore.json": tampered(local)},
        "local-other-artifact_fail": {**by_local, "bundle.sigstore.json": local, "artifact": b"another"},
        "local-other-identity_fail": {**by_local, "bundle.sigstore.json": local, "identity": b"eve@localhost"},
        "local-other-root_fail": {**texts_as_bytes(texts), "bundle.sigstore.json": local},
        "key-p256-statement": {**by_key[p256], "bundle.sigstore.json": KeySigner(p256).sign(STATEMENT).bundle},
        "key-ed25519-statement": {**by_key[edwards], "bundle.sigstore.json": KeySigner(edwards).sign(STATEMENT).bundle},
        "key-p256-artifact": {**by_key[p256], "bundle.sigstore.json": signed_artifact(p256)},
        "key-other_fail": {**by_key[edwards], "bundle.sigstore.json": KeySigner(p256).sign(STATEMENT).bundle},
        "key-tampered_fail": {**by_key[p256], "bundle.sigstore.json": tampered(KeySigner(p256).sign(STATEMENT).bundle)},
        "key-other-artifact_fail": {
            **by_key[p256],
            "bundle.sigstore.json": signed_artifact(p256),
            "artifact": b"another",
        },
    }
    other = LocalSigner(instance, "dev@localhost").sign(STATEMENT.replace(b"example.org", b"example.com")).bundle
    for name, changed in families.refused(local, other):
        cases[f"local-{name}_fail"] = {**by_local, "bundle.sigstore.json": changed}
    for name, files in cases.items():
        (assets / name).mkdir()
        for file, content in files.items():
            (assets / name / file).write_bytes(content)
    return tmp_path / "checkout"


def texts_as_bytes(texts):
    return {name: text.encode() for name, text in texts.items()}


def test_every_case_is_judged_rightly_and_sigstore_python_agrees_where_it_can(checkout, capfd):
    assert suite.run(checkout) == 0
    shown = capfd.readouterr().out
    count = 2 * (11 + len(families.CHANGES) + 1)
    assert f"ours: {count} of {count}" in shown, shown
    rows = {line.split()[0]: line for line in shown.splitlines()}
    assert "FAIL" not in rows["local"]
    assert rows["key-p256-statement"].endswith("FAIL FAIL")  # it reads no bundles of keys


def test_being_worse_than_the_peer_is_told(checkout, capfd, monkeypatch):
    monkeypatch.setattr(protocol, "main", lambda _: 1)
    assert suite.run(checkout) == 1
    assert "worse than sigstore-python: local" in capfd.readouterr().out


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["nowhere"], 2)], ids=["help", "none", "typo"])
def test_the_suite_says_how_it_is_called(words, code, capsys):
    with pytest.raises(SystemExit) as caught:
        suite.main(words)
    assert caught.value.code == code
    assert "sigstore-conformance" in "".join(capsys.readouterr()) or words == []


def test_the_suite_is_run_by_its_command(checkout, capfd):
    assert suite.main([str(checkout)]) == 0
    assert "sigstore-python:" in capfd.readouterr().out


def test_a_peer_that_accepts_nothing_is_no_measure(checkout, capfd, monkeypatch):
    monkeypatch.setattr(suite, "peer", lambda *_: 1)
    assert suite.run(checkout) == 1
    assert "void" in capfd.readouterr().out


def test_an_ed25519_signature_of_an_artifact_needs_the_artifact(tmp_path):
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "b").write_bytes(signed_artifact(key))
    (tmp_path / "k").write_bytes(keys.public_pem(key.public_key()))
    (tmp_path / "a").write_bytes(ARTIFACT)
    words = ["verify-bundle", "--bundle", str(tmp_path / "b"), "--key", str(tmp_path / "k")]
    assert protocol.main([*words, str(tmp_path / "a")]) == 0
    assert protocol.main([*words, f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"]) == 1


@pytest.mark.parametrize("kind", ["artifact", "statement"])
def test_what_it_signs_it_verifies(instance, tmp_path, kind):
    artifact, statement = tmp_path / "artifact", tmp_path / "statement"
    artifact.write_bytes(ARTIFACT)
    statement.write_bytes(STATEMENT)
    root, bundle, config = (str(tmp_path / name) for name in ("trusted_root.json", "bundle", "signing_config.json"))
    Path(root).write_bytes(instance.trusted_root_json())
    what = ("--in-toto",) if kind == "statement" else ()
    with serving(instance) as server:
        Path(config).write_text(json.dumps(json.loads(server.trust_config_json())["signingConfig"]))
        words = ("--identity-token", server.mint.token, "--bundle", bundle, "--trusted-root", root)
        assert protocol.main(["sign-bundle", *what, *words, "--signing-config", config, str(tmp_path / kind)]) == 0
    words = ["verify-bundle", "--bundle", bundle, "--certificate-identity", "dev@localhost"]
    words += ["--certificate-oidc-issuer", instance.issuer, "--trusted-root", root]
    assert protocol.main([*words, str(artifact)]) == 0
    assert protocol.main([*words, str(statement)]) == 1


def test_a_command_line_that_the_protocol_does_not_have_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        protocol.main(["verify-bundle", "--staging", "x"])
    assert caught.value.code == 2


def test_the_program_answers_with_its_exit_code(checkout):
    folder = checkout / "test" / "assets" / "bundle-verify"
    words = ("--key", folder / "key-p256-statement" / "key.pub", folder / "a.txt")
    for name, code in (("key-p256-statement", 0), ("key-tampered_fail", 1)):
        command = [CLIENT, "verify-bundle", "--bundle", folder / name / "bundle.sigstore.json", *words]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
