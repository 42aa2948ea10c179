"""The publishing action: its steps, run as a runner does, with the inputs that it documents.

The step that installs the toolchain from an index is left out: the toolchain is the one that the tests run with.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from tuf.api.metadata import Metadata

from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.repository import Shop

ACTION = Path(__file__).parents[4] / ".github" / "actions" / "publish-plugin" / "action.yml"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # what a runner makes of `shell: bash`


class Job:
    """A job whose checkout has a repository, the folder of a trust policy, and bundles."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = root / "output"
        self.temp = root / "temp"
        self.home = self.temp / "mobileops-home"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.shop = Shop(root)
        self.trusted, stranger = make_key("ed25519"), make_key("ed25519")
        self.signers = {"trusted": KeySigner(self.trusted), "a stranger": KeySigner(stranger)}
        (root / "trust").mkdir()
        (root / "trust" / "release.pub").write_bytes(public_pem(self.trusted))
        (self.temp / "mobileops" / "bin").mkdir(parents=True)
        program = self.temp / "mobileops" / "bin" / "mobileops"
        program.write_text(f"#!{sys.executable}\nfrom mobileops.cli.main import main\nraise SystemExit(main())\n")
        program.chmod(0o755)
        (program.parent / "python").symlink_to(sys.executable)

    def inputs(self, bundle: Path, *, policy: str = "trust.json") -> dict[str, str]:
        """Return what the action asks for."""
        root = {"assurance": "key", "keys": ["release.pub"]}
        (self.root / "trust" / policy).write_text(json.dumps({"version": 1, "roots": {"release": root}}))
        signed = Metadata.from_file(str(self.shop.folder / "metadata" / "1.root.json")).signed
        (key_id,) = signed.roles["timestamp"].keyids
        return {
            "bundle": str(bundle.relative_to(self.root)),
            "repository": "repository",
            "key": (self.shop.keys.folder / f"{key_id}.pem")
            .read_text()
            .rstrip(),  # as a secret, without its last line end
            "key-id": key_id,
            "trust-policy": f"trust/{policy}",
        }

    def run(self, inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the step that publishes."""
        self.output.write_text("")
        (step,) = (one for one in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if one.get("id") == "publish")
        assert step["shell"] == "bash"
        known = {**{f"inputs.{name}": value for name, value in inputs.items()}, "runner.temp": str(self.temp)}
        settings = {
            name: re.sub(r"\$\{\{ (.+?) \}\}", lambda m: known[m[1]], text) for name, text in step["env"].items()
        }
        runner = {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(self.output), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [*SHELL, step["run"]],
            cwd=self.root,
            env={**runner, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self) -> dict[str, str]:
        """Return the outputs of the step."""
        return dict(line.partition("=")[::2] for line in self.output.read_text().splitlines())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_every_input_is_used_and_nothing_else_is_asked_for() -> None:
    action: Any = yaml.safe_load(ACTION.read_text())
    used = set(re.findall(r"\$\{\{ inputs\.(.+?) \}\}", ACTION.read_text()))
    assert used == set(action["inputs"])
    assert action["outputs"]["sha256"]["value"] == "${{ steps.publish.outputs.sha256 }}"
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "what a workflow passes must not become part of a program"


@pytest.mark.parametrize("policy", ["trust.json", "policy.json"])
def test_a_signed_bundle_is_published_and_the_key_is_gone(job: Job, policy: str) -> None:
    bundle = job.shop.publisher.publish_as(job.signers["trusted"], "echo")
    inputs = job.inputs(bundle, policy=policy)
    done = job.run(inputs)
    assert done.returncode == 0, done.stderr
    assert job.said() == {"sha256": job.shop.client().document("echo").newest.archive.sha256}
    assert not (job.home / "repository-keys").exists()
    assert inputs["key"].splitlines()[1] not in done.stdout + done.stderr
    assert job.run(inputs).returncode == 0  # the same bytes again are no error, nor is a second bundle in one job


def test_a_bundle_of_a_stranger_is_refused_and_the_key_is_gone(job: Job) -> None:
    bundle = job.shop.publisher.publish_as(job.signers["a stranger"], "echo")
    before = (job.shop.folder / "metadata" / "timestamp.json").read_bytes()
    done = job.run(job.inputs(bundle))
    assert (done.returncode, job.said()) == (3, {})
    assert "[MOP3" in done.stderr
    assert not (job.home / "repository-keys").exists()
    assert (job.shop.folder / "metadata" / "timestamp.json").read_bytes() == before


def test_a_folder_that_is_no_repository_is_not_made_one(job: Job) -> None:
    """Whoever mistypes the folder must not publish to a new repository that no device knows."""
    bundle = job.shop.publisher.publish_as(job.signers["trusted"], "echo")
    (job.root / "empty").mkdir()
    done = job.run({**job.inputs(bundle), "repository": "empty"})
    assert (done.returncode, "[MOP6122]" in done.stderr, job.said()) == (1, True, {})
    assert not (job.home / "repository-keys").exists()
    assert not (job.root / "empty" / "metadata").exists()
