"""No step uses the network, and none trusts what lies in a cache folder of the user."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from urllib.parse import quote

import pytest

# Runs in a child: optionally cuts itself off from every network first, then does what it is told.
CHILD = """
import ctypes, json, os, socket, sys
from pathlib import Path

task = json.loads(sys.argv[1])
if task["alone"]:
    user, net = 0x10000000, 0x40000000
    flags = net if os.geteuid() == 0 else user | net
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
with socket.socket() as probe:
    reached = probe.connect_ex(("127.0.0.1", task["port"])) == 0
if task["stock"]:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity
    raw = Path(task["archive"] + ".sigstore.json").read_bytes()
    Verifier.production(offline=True).verify_dsse(Bundle.from_json(raw), Identity(identity="dev@localhost"))
    verdict = "accepted"
else:
    from mobileops.errors import TrustRefused
    from mobileops.runtime.trust import TrustPolicy, verify
    try:
        verify(Path(task["archive"]), policy=TrustPolicy.default(local_root=Path(task["root"])), pins={})
        verdict = "accepted"
    except TrustRefused as refused:
        verdict = refused.code
toolchain = any(name.startswith("mobileops.toolchain") for name in sys.modules)
print(json.dumps({"reached": reached, "verdict": verdict, "toolchain": toolchain}))
"""


@pytest.fixture
def hostile_home(tmp_path, foreign):
    """A home whose caches say that the public Sigstore is somebody else's instance."""
    home = tmp_path / "home"
    for parts in ((".cache",), (".local", "share"), ("xdg-cache",), ("xdg-data",)):
        targets = home.joinpath(*parts, "sigstore-python", "tuf", quote("https://tuf-repo-cdn.sigstore.dev", safe=""))
        targets.mkdir(parents=True)
        (targets / "trusted_root.json").write_bytes(foreign.trusted_root_json())
        signing = json.loads(foreign.client_trust_config_json())["signingConfig"]
        (targets / "signing_config.v0.2.json").write_text(json.dumps(signing))
    return home


@pytest.fixture
def run(release, hostile_home):
    def run_child(*, alone, stock=False):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            task = {
                "alone": alone,
                "stock": stock,
                "port": listener.getsockname()[1],
                "archive": str(release.archive),
                "root": str(release.trusted_root),
            }
            xdg = {"XDG_CACHE_HOME": str(hostile_home / "xdg-cache"), "XDG_DATA_HOME": str(hostile_home / "xdg-data")}
            result = subprocess.run(
                [sys.executable, "-c", CHILD, json.dumps(task)],
                env={**os.environ, "HOME": str(hostile_home), **xdg},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run_child


def test_a_bundle_is_verified_without_any_network_and_without_the_toolchain(run):
    found = run(alone=True)
    assert found == {"reached": False, "verdict": "accepted", "toolchain": False}
    assert run(alone=False)["reached"]  # control: the network is there unless the child gives it up


def test_a_forged_root_in_the_users_cache_is_not_trusted(release, foreign, run):
    release.state(instance=foreign)
    # Control: the library's own offline mode believes the cache.
    assert run(alone=True, stock=True)["verdict"] == "accepted"
    assert run(alone=True)["verdict"] == "MOP3110"


def test_verifying_writes_nothing_into_the_home(hostile_home, run):
    before = sorted(hostile_home.rglob("*"))
    run(alone=True)
    assert sorted(hostile_home.rglob("*")) == before


def test_verifying_works_where_there_is_no_home_at_all(hostile_home, run):
    shutil.rmtree(hostile_home)
    assert run(alone=True)["verdict"] == "accepted"
    assert not hostile_home.exists()
