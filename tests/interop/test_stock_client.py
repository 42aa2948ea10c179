"""The stock ``sigstore`` program verifies what the local instance signs, and signs with it when it is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobileops.toolchain.sign import LocalInstance
from tests.fakes.served_instance import serving


@pytest.fixture
def instance(publisher):
    return LocalInstance.open_or_create(publisher.home.sigstore)


@pytest.fixture
def trust_config(tmp_path):
    """Write the trust configuration of an instance or of its server."""

    def write(text):
        path = tmp_path / "trust_config.json"
        path.write_bytes(text)
        return ("--trust-config", str(path))

    return write


def test_it_verifies_a_local_bundle_from_the_exported_root(publisher, instance, sigstore, trust_config):
    archive = publisher.publish(identity="dev@localhost")
    words = (*trust_config(instance.client_trust_config_json()), "verify", "identity", "--offline")
    words += ("--cert-identity", "dev@localhost", "--cert-oidc-issuer", instance.issuer, str(archive))
    assert sigstore(*words).returncode == 0
    archive.write_bytes(archive.read_bytes() + b"x")
    assert sigstore(*words).returncode != 0


@pytest.mark.parametrize("verb", ["sign", "attest"])
def test_it_signs_against_the_served_instance(instance, sigstore, trust_config, tmp_path, verb):
    artifact = tmp_path / "artifact"
    artifact.write_text("artifact")
    (tmp_path / "predicate.json").write_text(PREDICATE)
    options = ("--predicate", "predicate.json", "--predicate-type", "https://slsa.dev/provenance/v1")
    with serving(instance) as server:
        config = trust_config(server.trust_config_json())
        job = {"GITLAB_CI": "true", "SIGSTORE_ID_TOKEN": server.mint.token, "GITHUB_ACTIONS": ""}
        signed = sigstore(*config, verb, *(options if verb == "attest" else ()), str(artifact), **job)
    assert signed.returncode == 0, signed.stderr
    assert Path(f"{artifact}.sigstore.json").exists()
    words = (
        "verify",
        "identity",
        "--offline",
        "--cert-identity",
        "dev@localhost",
        "--cert-oidc-issuer",
        instance.issuer,
    )
    assert sigstore(*config, *words, str(artifact)).returncode == 0


PREDICATE = """{
  "buildDefinition": {"buildType": "https://example.org/build", "externalParameters": {}},
  "runDetails": {"builder": {"id": "https://example.org/builder"}}
}"""
