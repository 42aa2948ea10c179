from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mobileops.toolchain.pack import pack
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.published_json import as_published

PROGRAM = [sys.executable, "-c", "import sys; from mobileops.cli.main import main; sys.exit(main())"]


@pytest.fixture
def serve(tmp_path):
    """Start ``trust serve`` and return its process and what it said."""
    started = []

    def start(*options):
        environment = {**os.environ, "MOBILEOPS_HOME": str(tmp_path / "home")}
        command = [*PROGRAM, "trust", "serve", "--json", *options]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "it ended early"
            text += line
        return process, as_published("trust-serve", text)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_end_and_leaves_nothing(serve, ending):
    process, said = serve("--identity", "ada@example.org")
    folder = Path(said["token"]).parent
    assert said["identity"] == "ada@example.org"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    process.send_signal(ending)
    assert process.wait(timeout=60) == 0
    assert not folder.exists()


def test_a_bundle_is_signed_over_it(serve, mobileops, tmp_path):
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    _, said = serve("--identity", "ada@example.org")
    descriptor = os.open(said["token"], os.O_RDONLY)
    options = ("--trust-config", said["trust_config"], "--identity-token-fd", str(descriptor), "--json")
    code, out, err = mobileops("sign", str(archive), *options)
    os.close(descriptor)
    assert code == 0, err
    signed = json.loads(out)
    assert (signed["mode"], signed["identity"], signed["issuer"]) == ("private", "ada@example.org", said["issuer"])
    assert mobileops("verify", str(archive))[0] == 0


def test_a_token_in_a_variable_signs_and_a_broken_one_does_not(serve, mobileops, monkeypatch, tmp_path):
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    _, said = serve()
    options = ("--trust-config", said["trust_config"], "--identity-token-env", "TOKEN")
    monkeypatch.setenv("TOKEN", Path(said["token"]).read_text())
    assert mobileops("sign", str(archive), *options)[0] == 0
    monkeypatch.setenv("TOKEN", "broken")
    code, _, err = mobileops("sign", str(archive), *options)
    assert (code, "MOP3221" in err) == (2, True)


def test_without_a_token_a_job_or_a_terminal_nothing_is_signed(serve, mobileops, monkeypatch, tmp_path):
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(name, raising=False)
    archive = pack(write_plugin(tmp_path / "echo"), tmp_path / "dist").path
    _, said = serve()
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        code, _, err = mobileops("sign", str(archive), "--trust-config", said["trust_config"])
    assert (code, "MOP3226" in err) == (2, True)
    assert not archive.with_name(f"{archive.name}.sigstore.json").exists()
