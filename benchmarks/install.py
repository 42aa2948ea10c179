"""Installing a bundle of 1,000 files against ``unzip && sha256sum -c`` and ``uv pip install``; and a rollback.

Run it with the Python that has the toolchain: ``python benchmarks/install.py [--json FILE] [--rounds N]``; ``--folder``
names a folder on another disk. ``unzip``, ``sha256sum`` and ``uv`` have to be on PATH, or beside this Python.
Ours checks a signature with a key, every rule of the strict profile and every digest, flushes every file, compiles the
sources and commits; it is measured as the library call in a process of its own, and as the whole command. ``unzip`` is
given a list of digests that it trusts. ``uv`` installs a wheel of the same files with an empty cache; with
``--compile-bytecode`` it does what we do. Neither of the two verifies a signature.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, put_aside, report
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from extract import PEER, digests
from package import tree

from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.trust import load_policy, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import KeySigner, sign_bundle

SUBJECT = "mobileops Store.install"
COMMAND = "mobileops install"
UV = "uv pip install, cold cache"
INSTALL = """
import sys
from pathlib import Path
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.trust import load_policy, verify
home = Home(Path(sys.argv[1])).prepare()
store = Store(home)
def decide(bundle, signature):
    return verify(bundle, policy=load_policy(home), pins=store.pins(), signature=signature, keep=True)
store.install(Path(sys.argv[2]), verify=decide)
"""
ROLLBACK = """
import sys
from pathlib import Path
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
Store(Home(Path(sys.argv[1]))).rollback("bench")
"""


def signed(source: Path, folder: Path, version: str) -> tuple[Path, bytes]:
    """Pack and sign a version; return the bundle and the public key."""
    document = json.loads((source / "plugin.json").read_text())
    (source / "plugin.json").write_text(json.dumps(document | {"version": version}))
    bundle = pack(source, folder).path
    key = ed25519.Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    sign_bundle(bundle, signer=KeySigner(key))
    return bundle, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def prepare_home(path: Path, public: bytes) -> Home:
    """Return a home that trusts the key."""
    home = Home(path).prepare()
    (path / "release.pub").write_bytes(public)
    policy = {"version": 1, "roots": {"release": {"assurance": "key", "keys": [str(path / "release.pub")]}}}
    home.trust_policy.write_text(json.dumps(policy))
    return home


def wheel(source: Path, out: Path) -> Path:
    """Build a wheel of the same files."""
    program = ["-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run([sys.executable, *program], cwd=source, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def contenders(folder: Path, source: Path, bundle: Path, public: bytes) -> list[Contender]:
    """Return who competes."""
    home, out, cache = folder / "home", folder / "out", folder / "cache"
    sums = digests(folder / "reference", bundle, folder / "sums")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    built = str(wheel(source, folder / "wheels"))

    def fresh() -> None:
        put_aside(home, out, cache)
        prepare_home(home, public)

    def uv_install(*options: str) -> list[str]:
        plain = ["pip", "install", "-q", "--no-deps", "--offline", "--cache-dir", str(cache), "--target", str(out)]
        return [uv, *plain, "--python", sys.executable, *options, built]

    arguments = [str(bundle), str(out), str(sums)]
    environment = ["env", f"MOBILEOPS_HOME={home}"]
    return [
        Contender(SUBJECT, [sys.executable, "-I", "-c", INSTALL, str(home), str(bundle)], prepare=fresh),
        Contender(
            COMMAND, [*environment, sys.executable, "-m", "mobileops.cli.main", "install", str(bundle)], prepare=fresh
        ),
        Contender("unzip && sha256sum -c", ["sh", "-c", PEER, "sh", *arguments], prepare=fresh),
        Contender("the same && sync -f", ["sh", "-c", f"{PEER} && sync -f .", "sh", *arguments], prepare=fresh),
        Contender(UV, uv_install(), prepare=fresh),
        Contender(f"{UV}, --compile-bytecode", uv_install("--compile-bytecode"), prepare=fresh),
        Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"], prepare=fresh),
    ]


def rollback(folder: Path, first: Path, second: Path, public: bytes) -> list[Contender]:
    """Return a rollback in a process of its own, between two versions of 1,000 files, and the floor."""
    home = prepare_home(folder / "two", public)
    store = Store(home)
    for bundle in (first, second):
        store.install(
            bundle,
            verify=lambda path, signature: verify(
                path, policy=load_policy(home), pins=store.pins(), signature=signature
            ),
        )
    return [
        Contender("mobileops Store.rollback", [sys.executable, "-I", "-c", ROLLBACK, str(home.root)]),
        Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"]),
    ]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", help="where to work; its file system is part of what is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-", dir=options.folder) as name:
        folder = Path(name)
        source = tree(folder / "source", files=1000, size_bytes=20_000_000, text_share=0.5)
        bundle, public = signed(source, folder / "dist", "1.0.0")
        second, _ = signed(source, folder / "dist", "1.1.0")
        found = measure(contenders(folder, source, bundle, public), rounds=options.rounds)
        back = measure(rollback(folder, bundle, second, public), rounds=options.rounds)
    written = [
        report("verify and install 1,000 files / 20 MB", found, subject=SUBJECT),
        report("go back to the version before, 1,000 files / 20 MB", back, subject="mobileops Store.rollback"),
    ]
    if options.json:
        options.json.write_text(as_json(written), encoding="utf-8")


if __name__ == "__main__":
    main()
