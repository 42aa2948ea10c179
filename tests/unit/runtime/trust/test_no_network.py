"""``verify`` and ``install`` of every kind of signature, and the trust part of ``start``, connect to nothing.

A seccomp filter kills the process at connect(2) and at every call that could send without it, so that surviving is the
proof; the process has an empty network namespace besides, and hostile caches in its home. (Making a socket is allowed:
the import of urllib3 makes one to see whether there is IPv6.)
"""

from __future__ import annotations

import json
import platform
import signal
from urllib.parse import quote

import pytest

from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.unmeasured import run_python

# connect, sendto, sendmsg, sendmmsg
CALLS = {"x86_64": [42, 44, 46, 307], "aarch64": [203, 206, 211, 269]}[platform.machine()]

CHILD = """
import ctypes, json, os, socket, struct, sys
task = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x40000000 | (0 if os.geteuid() == 0 else 0x10000000)):
    sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
# Load the number of the call; kill for one of the four (linux/filter.h, seccomp(2)).
LOAD, EQUAL, RETURN, ALLOW, KILL = 0x20, 0x15, 0x06, 0x7FFF0000, 0x80000000
program = [(LOAD, 0, 0, 0), *((EQUAL, 4 - place, 0, call) for place, call in enumerate(task["calls"]))]
program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, KILL)]
code = b"".join(struct.pack("=HBBI", *line) for line in program)
buffer = ctypes.create_string_buffer(code)
filters = struct.pack("@HP", len(program), ctypes.addressof(buffer))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(filters), 0, 0):
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
if task["words"] == ["connect"]:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(("192.0.2.1", 443))
if task["words"] == ["send"]:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))
from pathlib import Path
if task["words"][0] == "install":
    from mobileops.cli.commands._trust import decide
    from mobileops.runtime.home import Home
    from mobileops.runtime.store import Store
    home = Home(Path(os.environ["MOBILEOPS_HOME"])).prepare()
    Store(home).install(Path(task["words"][1]), verify=lambda copy, signature: decide(home, copy, signature))
    sys.exit(0)
if task["words"] == ["start"]:
    from mobileops.runtime.home import Home
    from mobileops.runtime.store import Store
    from mobileops.runtime.trust import load_policy
    home = Home(Path(os.environ["MOBILEOPS_HOME"]))
    receipt = Store(home).get("tiny-plugin")
    load_policy(home).refuse_revoked(receipt.sha256, signer=receipt.signer, where="x")
    Store(home).check(receipt)
    sys.exit(0)
from mobileops.cli.main import main
sys.exit(main(task["words"]))
"""


@pytest.fixture
def run(release, foreign, tmp_path):
    home = tmp_path / "home"
    (home / "own").mkdir(parents=True)
    cache = home / ".cache/sigstore-python/tuf" / quote("https://tuf-repo-cdn.sigstore.dev", safe="")
    cache.mkdir(parents=True)
    (cache / "trusted_root.json").write_bytes(foreign.trusted_root_json())
    corp = {"trusted_root": str(release.trusted_root), "assurance": "private"}
    public = {"public_instance": True, "assurance": "public"}
    key = make_key()
    (home / "own" / "k.pub").write_bytes(public_pem(key))
    roots = {"corp": corp, "public": public, "fleet": {"keys": ["k.pub"], "assurance": "key"}}
    (home / "own" / "trust.json").write_text(json.dumps({"version": 1, "roots": roots}))

    def run_child(*words):
        task = {"words": words, "calls": CALLS}
        settings = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "MOBILEOPS_HOME": str(home / "own")}
        return run_python("-c", CHILD, json.dumps(task), timeout_s=120, **settings)

    run_child.key = key
    return run_child


@pytest.mark.parametrize("way", ["connect", "send"])
def test_the_filter_kills_whoever_uses_the_network(run, way):
    assert run(way).returncode == -signal.SIGSYS


@pytest.mark.parametrize("kind", ["certificate", "key"])
def test_verifying_installing_and_starting_connect_to_nothing(run, release, kind):
    if kind == "key":
        release.state_with_key(run.key)
    for words in (
        ("verify", str(release.archive)),
        ("verify", str(release.archive)),
        ("install", str(release.archive)),
    ):
        done = run(*words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert run("start").returncode == 0
    assert run("verify", "--deep", "tiny-plugin").returncode == 0


def test_what_only_a_planted_cache_vouches_for_is_refused(run, release, foreign):
    release.state(instance=foreign)
    done = run("verify", str(release.archive))
    assert (done.returncode, "MOP3110" in done.stderr) == (3, True)
