"""A release job signs with an independent instance, and the operator's policy decides who may have been that job."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mobileops.errors import TrustRefused

RULE = {
    "plugins": ["echo"],
    "root": "corp",
    "issuer": "https://token.actions.githubusercontent.com",
    "repository": "acme/plugins",
    "repository_id": "1234",
    "owner_id": "99",
    "workflow": "release.yml",
    "ref_prefix": "refs/tags/",
    "trigger": ["push"],
}
OTHER_JOBS = {
    "a fork": ({"repository": "mallory/plugins", "repository_id": "666", "repository_owner_id": "66"}, "MOP3117"),
    "a branch": ({"ref": "refs/heads/main"}, "MOP3121"),
    "another workflow": ({"workflow_file": "test.yml"}, "MOP3120"),
    "a pull request": ({"event_name": "pull_request"}, "MOP3122"),
    "a repository registered again under the name": ({"repository_id": "777"}, "MOP3118"),
    "an owner registered again under the name": ({"repository_owner_id": "88"}, "MOP3119"),
    "another issuer": ({"raw": {"iss": "https://gitlab.example.org"}}, "MOP3112"),
}


@pytest.fixture
def policy(publisher, stack):
    """A policy that lets only the release job of one repository publish the name."""
    root = {"trusted_root": str(stack.trusted_root), "assurance": "private"}
    document = {"version": 1, "roots": {"corp": root}, "publishers": [RULE]}
    publisher.home.trust_policy.write_text(json.dumps(document))


def decide(publisher, archive):
    return publisher.decision()(archive, archive.with_name(f"{archive.name}.sigstore.json"))


def test_the_release_job_of_the_repository_is_accepted(publisher, job, policy):
    archive = publisher.publish_as(job())
    with decide(publisher, archive) as verified:
        assert (verified.signer.root, verified.signer.assurance) == ("corp", "private")


@pytest.mark.parametrize(("claims", "code"), OTHER_JOBS.values(), ids=OTHER_JOBS)
def test_any_other_job_is_refused_with_its_own_code(publisher, job, policy, claims, code):
    archive = publisher.publish_as(job(**claims))
    with pytest.raises(TrustRefused) as caught:
        decide(publisher, archive)
    assert (caught.value.code, caught.value.outcome) == (code, "untrusted")


def test_an_overloaded_service_is_asked_again(publisher, job, stack, policy):
    signer = job()
    stack.fail(2)
    decide(publisher, publisher.publish_as(signer)).bundle.close()


def test_the_stock_program_verifies_what_the_job_signed(publisher, job, stack, sigstore):
    archive = publisher.publish_as(job())
    config = ("--trust-config", str(stack.config), "verify", "github", "--offline")
    assert sigstore(*config, "--repository", "acme/plugins", str(archive)).returncode == 0
    assert sigstore(*config, "--repository", "mallory/plugins", str(archive)).returncode != 0


def test_the_command_line_signs_in_a_job(publisher, stack, policy, tmp_path):
    archive = publisher.publish("echo")
    archive.with_name(f"{archive.name}.sigstore.json").unlink()
    environment = {**os.environ, **stack.environment(), "MOBILEOPS_HOME": str(publisher.home.root)}
    program = [sys.executable, "-c", "import sys; from mobileops.cli.main import main; sys.exit(main())"]

    def run(*words):
        return subprocess.run(
            [*program, *words], env=environment, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False
        )

    signed = run("sign", str(archive), "--trust-config", str(stack.config))
    assert signed.returncode == 0, signed.stderr
    assert "mode: private" in signed.stdout
    assert "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.2.3" in signed.stdout
    verified = run("verify", str(archive))
    assert verified.returncode == 0, verified.stderr
