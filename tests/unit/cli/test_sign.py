from __future__ import annotations

import base64
import json
import subprocess

import pytest

from tests.fakes.plugin_folder import write_plugin


@pytest.fixture
def plugin(tmp_path):
    """A plugin that is a git repository with one commit and a remote."""
    folder = write_plugin(tmp_path / "echo")
    settings = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    for words in (
        ("init", "--quiet"),
        ("remote", "add", "origin", "git@example.org:acme/echo.git"),
        ("add", "."),
        (*settings, "commit", "--quiet", "--message", "first"),
    ):
        subprocess.run(["git", "-C", folder, *words], check=True, timeout=60)
    return folder


def payload(path):
    envelope = json.loads(path.read_text())["dsseEnvelope"]
    return json.loads(base64.b64decode(envelope["payload"]))


def test_package_signs_with_commit_and_build_inputs(mobileops, plugin):
    code, out, err = mobileops("package", "echo", "--sign", "--json")
    assert code == 0, err
    signed = json.loads(out)["signed"]
    assert (signed["mode"], signed["assurance"]) == ("local", "local")
    predicate = payload(plugin / "dist" / "echo-1.0.0.zip.sigstore.json")["predicate"]
    assert predicate["source"]["repository"] == "ssh://example.org/acme/echo.git"
    assert predicate["source"]["dirty"] is False
    assert predicate["build"]["sourceDate"] == "1980-01-01T00:00:00Z"
    assert any(path.endswith(".provenance.sigstore.json") for path in signed["attestations"])
    assert mobileops("verify", "echo")[0] == 0


def test_what_is_printed_begins_with_mode_and_identity(mobileops, plugin):
    code, out, err = mobileops("package", "echo", "--sign", "--identity", "ada@example.org")
    assert (code, "mode: local" in out, "identity: ada@example.org" in out) == (0, True, True)
    assert "assurance 'local'" in err


def test_signing_alone_claims_no_origin(mobileops, plugin):
    assert mobileops("package", "echo")[0] == 0
    assert mobileops("sign", "echo")[0] == 0
    assert "source" not in payload(plugin / "dist" / "echo-1.0.0.zip.sigstore.json")["predicate"]


def test_a_source_is_signed_after_it_was_packed_again(mobileops, plugin):
    assert mobileops("package", "echo")[0] == 0
    assert mobileops("sign", "echo", "--source", "echo")[0] == 0
    assert "source" in payload(plugin / "dist" / "echo-1.0.0.zip.sigstore.json")["predicate"]


def test_a_source_that_gives_other_bytes_is_not_signed(mobileops, plugin):
    assert mobileops("package", "echo")[0] == 0
    (plugin / "main.py").write_text((plugin / "main.py").read_text() + "\n# changed\n")
    code, _, err = mobileops("sign", "echo", "--source", "echo")
    assert (code, "MOP3230" in err) == (1, True)
    assert not (plugin / "dist" / "echo-1.0.0.zip.sigstore.json").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--mode", "private"), "MOP3220"),
        (("--mode", "private", "--tuf-url", "https://tuf.invalid"), "MOP3220"),
        (("--trust-config", "a", "--tuf-url", "b", "--tuf-root", "c"), "MOP3220"),
        (("--trust-config", "missing.json"), "MOP3223"),
        (("--tuf-url", "https://tuf.invalid", "--tuf-root", "missing.json"), "MOP3223"),
        (("--trust-config", "missing.json", "--mode", "keyless"), "MOP3220"),
        (("--mode", "keyless", "--identity-token-env", "UNSET"), "MOP3219"),
        (("--identity-token-env", "HOME"), "MOP3220"),
    ],
)
def test_options_of_a_service_that_do_not_fit_are_refused(mobileops, plugin, options, code):
    assert mobileops("package", "echo")[0] == 0
    _, _, err = mobileops("sign", "echo", *options)
    assert code in err


def test_options_of_a_signer_without_sign_are_refused(mobileops, plugin):
    code, _, err = mobileops("package", "echo", "--identity", "ada@example.org")
    assert (code, "MOP3220" in err, "--sign" in err) == (2, True, True)
    assert not (plugin / "dist").exists()
