"""Whatever is done to the store, at whichever step it is killed or the disk refuses: the old state or the new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.bundle.flushing import AT_ONCE_FROM_FILES
from mobileops.runtime.home import Home
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.store import Store
from mobileops.runtime.store.autostart import Autostart
from mobileops.toolchain.sign import KeySigner
from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator

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

# Each step of each kind of change, once: what the others add is more of the same calls.
REFUSING_DISKS = [
    ("one version", "install other echo 2"),
    ("one version", "hold"),
    ("one version", "rotate"),
    ("two versions", "install echo 1"),
    ("two versions", "rollback"),
    ("two versions", "uninstall"),
    ("two versions", "purge"),
]


@pytest.fixture(scope="module")
def workshop(memory_folder: Path) -> Path:
    """Return a folder with a home in each of the states, and ``bundles.json``."""
    folder = memory_folder
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
        for name in {word.split()[0] for word in words}:
            Autostart(home).enable(name)
            SettingsFiles(home).save(name, Stored({"port": 2}, {"token": "planted"}))
        if words:
            (home.data / "echo").mkdir(exist_ok=True)
            (home.data / "echo" / "notes").write_text("kept")
            (home.logs / "echo.jsonl").write_text("{}\n")
    return folder


Attempt = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def attempt(workshop: Path) -> Iterator[Attempt]:
    """Return what does it once for each of its steps, with the fault at that step, and says what came of it.

    All is done by forks of one program, without coverage: it would write a file for each of the thousands of runs.
    """
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "tests.fakes.crashing_store"]
    bundles = json.loads((workshop / "bundles.json").read_text())
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=unmeasured, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        tell, hear = program.stdin, program.stdout

        def do(before: str, operation: str, how: str, **options: object) -> dict[str, Any]:
            said = {
                "home": str(workshop / before),
                "scratch": str(workshop / "scratch"),
                "bundles": bundles,
                "operation": operation,
                "how": how,
                "at_once_from": AT_ONCE_FROM_FILES,
                **options,
            }
            print(json.dumps(said), file=tell, flush=True)
            answer = hear.readline()
            assert answer, "it ended; standard error says why"
            found = dict(json.loads(answer))
            print(f"{how}: {operation} after {before}: {found['steps']} runs, {found.get('outcomes')}")  # noqa: T201  -rP
            return found

        yield do
        tell.close()


@pytest.mark.slow
@pytest.mark.parametrize(("before", "operation"), CASES)
def test_a_change_that_is_killed_happens_whole_or_not_at_all(attempt: Attempt, before: str, operation: str) -> None:
    found = attempt(before, operation, "kill")
    assert found["wrong"] == []
    assert found["steps"] > 4
    assert not found["changes"] or min(found["outcomes"].values()) > 0, "the commit point is between two of the steps"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(("before", "operation"), REFUSING_DISKS)
def test_a_change_that_the_disk_refuses_happens_whole_or_not_at_all(
    attempt: Attempt, before: str, operation: str, how: str
) -> None:
    found = attempt(before, operation, how)
    assert found["wrong"] == []
    assert found["steps"] > 4


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "ENOSPC", "EIO"])
def test_an_install_that_flushes_all_files_at_once_happens_whole_or_not_at_all(attempt: Attempt, how: str) -> None:
    found = attempt("one version", "install echo 2", how, at_once_from=1)
    each = attempt("one version", "install echo 2", "count")
    assert found["wrong"] == []
    assert 4 < found["steps"] < each["steps"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "operation"),
    [
        ("nothing", "install echo 1"),
        ("one version", "install other echo 2"),
        ("one version", "rotate"),
        ("two versions", "rollback"),
        ("two versions", "uninstall"),
        ("two versions", "purge"),
    ],
)
def test_a_change_during_which_the_power_fails_happens_whole_or_not_at_all(
    attempt: Attempt, before: str, operation: str
) -> None:
    found = attempt(before, operation, "power", deaf_to="", sample=60)
    assert found["wrong"] == []
    assert found["steps"] > 10
    assert not found["changes"] or min(found["outcomes"].values()) > 0


@pytest.mark.slow
def test_an_install_that_flushes_all_files_at_once_and_during_which_the_power_fails_is_whole_or_not_at_all(
    attempt: Attempt,
) -> None:
    found = attempt("one version", "install echo 2", "power", deaf_to="", sample=60, at_once_from=1)
    assert found["wrong"] == []
    assert min(found["outcomes"].values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("at_once_from", [1, AT_ONCE_FROM_FILES])
@pytest.mark.parametrize("deaf_to", ["files", "folders"])
def test_without_flushing_the_power_must_not_fail(attempt: Attempt, deaf_to: str, at_once_from: int) -> None:
    """The control: a disk that does not flush leaves what is neither the old state nor the new one."""
    options = {"deaf_to": deaf_to, "sample": 40, "at_once_from": at_once_from}
    assert attempt("one version", "install echo 2", "power", **options)["wrong"] != []
