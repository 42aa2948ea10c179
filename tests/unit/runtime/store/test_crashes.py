"""Whatever is done to the store, at whichever step it is killed or the disk refuses: the old state or the new one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.bundle.flushing import AT_ONCE_FROM_FILES
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")
CHECKOUT = Path(__file__).parents[4]
FILES = {"part.py": "VALUE = 1\n", "lib/more.py": "# " + "x" * 5000 + "\n", "data.bin": "y" * 5000}

# State -> what makes it from nothing: (bundle, or an operation).
STATES: dict[str, list[str]] = {
    "nothing": [],
    "another plugin": ["other"],
    "one version": ["echo 1"],
    "two versions": ["echo 1", "echo 2", "other"],
}

CASES = [
    ("nothing", "install echo 1"),
    ("another plugin", "install echo 1"),
    ("nothing", "install echo 1 other"),
    ("one version", "install echo 2"),
    ("one version", "install echo 1"),
    ("one version", "install other echo 2"),
    ("one version", "uninstall"),
    ("one version", "purge"),
    ("one version", "hold"),
    ("one version", "rotate"),
    ("two versions", "install echo 3"),
    ("two versions", "install echo 1"),
    ("two versions", "rollback"),
    ("two versions", "uninstall"),
    ("two versions", "purge"),
]


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    """Return a folder with a home in each of the states, and ``bundles.json``; in memory, where flushing is free."""
    folder = Path(tempfile.mkdtemp(prefix="mobileops-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    key = make_key("ed25519")
    (folder / "release.pub").write_bytes(public_pem(key))
    bundles = {}
    for word, name, version in (
        ("echo 1", "echo", "1.0.0"),
        ("echo 2", "echo", "1.1.0"),
        ("echo 3", "echo", "2.0.0"),
        ("other", "other", "1.0.0"),
    ):
        author = Publisher(Home(folder / "author").prepare(), folder / word.replace(" ", "-"))
        bundles[word] = str(author.publish_as(KeySigner(key), name, version=version, files=FILES))
    (folder / "bundles.json").write_text(json.dumps(bundles))
    for label, words in STATES.items():
        home = Home(folder / label).prepare()
        policy = {"version": 1, "roots": {"release": {"assurance": "key", "keys": [str(folder / "release.pub")]}}}
        home.trust_policy.write_text(json.dumps(policy))
        author = Publisher(home, folder)
        for word in words:
            Store(home).install(Path(bundles[word]), verify=author.decision())
        if words:
            (home.data / "echo").mkdir(exist_ok=True)
            (home.data / "echo" / "notes").write_text("kept")
            (home.logs / "echo.jsonl").write_text("{}\n")
    yield folder
    shutil.rmtree(folder)


def attempt(
    workshop: Path, scratch: Path, before: str, operation: str, how: str, *, at_once_from: int = AT_ONCE_FROM_FILES
) -> dict[str, Any]:
    """Do it once for each of its steps, with the fault at that step; return what came of it."""
    said = {
        "home": str(workshop / before),
        "scratch": str(scratch),
        "bundles": json.loads((workshop / "bundles.json").read_text()),
        "operation": operation,
        "how": how,
        "at_once_from": at_once_from,
    }
    command = [sys.executable, "-m", "tests.fakes.crashing_store"]
    run = subprocess.run(
        command, input=json.dumps(said), cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "ENOSPC", "EIO"])
@pytest.mark.parametrize(("before", "operation"), CASES)
def test_a_change_happens_whole_or_not_at_all(workshop: Path, before: str, operation: str, how: str) -> None:
    found = attempt(workshop, workshop / "scratch", before, operation, how)
    print(f"{how}: {operation} after {before}: {found['steps']} runs, {found['outcomes']}")  # noqa: T201  shown by -rP
    assert found["wrong"] == []
    assert found["steps"] > 4
    if how == "kill" and found["changes"]:
        assert min(found["outcomes"].values()) > 0, "the commit point is between two of the steps"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "ENOSPC", "EIO"])
def test_an_install_that_flushes_all_files_at_once_happens_whole_or_not_at_all(workshop: Path, how: str) -> None:
    found = attempt(workshop, workshop / "scratch", "one version", "install echo 2", how, at_once_from=1)
    each = attempt(workshop, workshop / "scratch", "one version", "install echo 2", how)
    assert found["wrong"] == []
    assert 4 < found["steps"] < each["steps"]
