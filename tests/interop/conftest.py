"""Independent implementations of Sigstore: npm's, and the stock ``sigstore`` program.

``nox -s interop`` installs the former and names its folder in INTEROP_SERVICES.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from mobileops.runtime.home import Home
from mobileops.toolchain.sign.keyless import Service, SigstoreSigner, ambient_token
from mobileops.toolchain.sign.retry import Backoff
from tests.fakes.signed_bundle import Publisher

PROVIDERS = ("GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME")
TIMEOUT_S = 60


class Stack:
    """An instance made of npm @sigstore/mock, and GitHub jobs that sign with it."""

    def __init__(self, folder, url):
        self.folder = folder
        self.url = url
        self.config = folder / "trust_config.json"
        self.trusted_root = folder / "trusted_root.json"

    def environment(self, **claims):
        """Return the variables of a job with these claims instead of those of a release of acme/plugins."""
        query = urllib.parse.urlencode({"claims": json.dumps(claims)})
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?{query}",
        }

    def fail(self, times):
        """Have the next requests to the services fail."""
        body = json.dumps(times).encode()
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=TIMEOUT_S)
        connection.request("POST", "/fail", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 204
        connection.close()


@pytest.fixture(scope="session")
def services():
    """The folder with the installed packages."""
    return Path(os.environ["INTEROP_SERVICES"])


@pytest.fixture(scope="session")
def stack(services, tmp_path_factory):
    """A running instance; it ends with its standard input."""
    folder = tmp_path_factory.mktemp("stack")
    command = ["node", services / "sigstore_stack.cjs", folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the stack did not start"
        yield Stack(folder, url)
        process.stdin.close()
        process.wait(timeout=TIMEOUT_S)


@pytest.fixture
def job(stack, monkeypatch):
    """Give what signs as a GitHub job with these claims does."""
    for name in PROVIDERS:
        monkeypatch.delenv(name, raising=False)

    def become(**claims):
        for name, value in stack.environment(**claims).items():
            monkeypatch.setenv(name, value)
        patient = Backoff(sleep=lambda _: None)
        return SigstoreSigner(Service.from_file(stack.config), ambient_token(backoff=patient), backoff=patient)

    return become


@pytest.fixture
def publisher(tmp_path):
    """An author and the home that they publish to."""
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path / "workshop")


@pytest.fixture
def npm_verify(services):
    """Verify with npm @sigstore/verify; return exit code, payload and reason."""

    def verify(*words):
        command = ["node", services / "verify_bundle.cjs", *words]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    return verify


@pytest.fixture
def sigstore(tmp_path):
    """Run the stock ``sigstore`` program with an empty home."""

    def run(*words, **variables):
        environment = {
            **os.environ,
            "HOME": str(tmp_path / "none"),
            "XDG_CACHE_HOME": str(tmp_path / "none"),
            **variables,
        }
        command = [sys.executable, "-m", "sigstore", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=tmp_path, check=False
        )

    return run
