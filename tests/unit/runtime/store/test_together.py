"""Several programs use one store at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault
from mobileops.runtime.store import Accepted, Store, examination, staging

if TYPE_CHECKING:
    from tests.fakes.signed_bundle import Publisher
    from tests.unit.runtime.store.conftest import Install

CHECKOUT = Path(__file__).parents[4]

WRITER = """
import json, random, sys, time
from pathlib import Path
from mobileops.errors import HostFault, NotFoundError
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.trust import load_policy, verify
home, bundles, seed, seconds = Home(Path(sys.argv[1])), json.loads(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
store, dice, done = Store(home), random.Random(seed), 0
until = time.monotonic() + seconds
decide = lambda zip, sig: verify(zip, policy=load_policy(home), pins=store.pins(), signature=sig)
while time.monotonic() < until or not done:
    try:
        act = dice.choice(["install", "install", "rollback", "uninstall", "sweep"])
        if act == "install":
            store.install(Path(dice.choice(bundles)), verify=decide)
        elif act == "sweep":
            receipt = store.get("echo"); store.sweep(receipt); store.ran(receipt)
        else:
            getattr(store, act)("echo")
        done += 1
    except NotFoundError:
        pass
    except HostFault as error:
        if error.code != "MOP6008":
            raise
print(done)
"""

READER = """
import json, sys, time
from pathlib import Path
from mobileops.errors import MobileOpsError, NotFoundError
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
store, seen = Store(Home(Path(sys.argv[1]))), 0
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until or not seen:
    try:
        receipt = store.get("echo")
    except NotFoundError:
        continue
    try:
        store.check(receipt)
        assert "echo" in store.pins()
        seen += 1
    except (MobileOpsError, OSError):
        time.sleep(0.001)
        try:
            now = store.get("echo")
        except NotFoundError:
            continue
        if now == receipt:
            store.check(receipt)
print(seen)
"""


def test_writers_and_a_reader_at_once_only_ever_leave_and_see_whole_versions(
    publisher: Publisher, install: Install
) -> None:
    home = publisher.home
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        install(version=version, files={"part.py": f"V = {version!r}\n", "data.bin": "x" * 9000})
    bundles = json.dumps([str(path) for path in sorted((publisher.workshop / "dist").glob("*.zip"))])
    programs = [[WRITER, str(home.root), bundles, str(seed), "3"] for seed in range(3)] + [
        [READER, str(home.root), "3"]
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", *words], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for words in programs
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert int(out) > 0
    assert examination.examine(home) == []
    assert [path.name for path in home.staging.iterdir()] == []


def test_what_was_decided_about_another_state_is_not_done(store: Store, publisher: Publisher, install: Install) -> None:
    install()
    bundle = next((publisher.workshop / "dist").glob("echo-1.0.0.zip"))
    first = store.get("echo")
    with store.staged(bundle, verify=publisher.decision()) as staged:
        second = install(version="1.1.0")
        with pytest.raises(HostFault) as caught:
            store.commit([Accepted(staged)])
    assert caught.value.code == "MOP6008"
    assert (store.get("echo"), store.previous("echo")) == (second, first)


def test_the_same_version_installed_twice_at_once_is_no_conflict(
    store: Store, publisher: Publisher, install: Install
) -> None:
    install()
    store.uninstall("echo")
    bundle = next((publisher.workshop / "dist").glob("echo-1.0.0.zip"))
    with store.staged(bundle, verify=publisher.decision()) as staged:
        first = store.install(bundle, verify=publisher.decision())
        assert store.commit([Accepted(staged)])[0].sha256 == first.sha256


def test_what_a_living_program_has_staged_is_not_swept(store: Store, publisher: Publisher, install: Install) -> None:
    install()
    bundle = next((publisher.workshop / "dist").glob("echo-1.0.0.zip"))
    (publisher.home.staging / "left").mkdir()
    (publisher.home.staging / "file").touch()
    with store.staged(bundle, verify=publisher.decision()) as staged:
        staging.sweep(publisher.home.staging)
        assert list(publisher.home.staging.iterdir()) == [staged.folder]


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = staging._lock, []

    def swept_first(path: Path) -> int | None:
        calls.append(path)
        if len(calls) == 1:
            path.rmdir()
        return real(path)

    monkeypatch.setattr(staging, "_lock", swept_first)
    with staging.folder(publisher.home.staging) as folder:
        assert folder.is_dir()
    assert len(calls) == 2
