"""The workbench: what is trusted in it alone, and what is left of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault, TrustRefused, UsageError
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.trust import load_policy, verify
from mobileops.toolchain.development import workbench
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from mobileops.runtime.trust import VerifiedBundle

OLD_S = 10_000.0


def decision(home: Home):
    def decide(bundle: Path, signature: Path) -> VerifiedBundle:
        return verify(bundle, policy=load_policy(home), pins={}, signature=signature)

    return decide


def test_attack_a_bundle_of_an_authors_session_is_passed_on_as_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loot = tmp_path / "loot"
    loot.mkdir()
    sign = workbench.sign_bundle

    def stolen(bundle, *, signer):
        signed = sign(bundle, signer=signer)
        for path in (bundle, signed.path):
            shutil.copy(path, loot)
        return signed

    monkeypatch.setattr(workbench, "sign_bundle", stolen)
    with workbench.opened() as bench:
        bench.install(write_plugin(tmp_path / "echo"))
        (bundle,) = loot.glob("*.zip")
        Store(bench.home).install(bundle, verify=decision(bench.home))  # the control: the session itself takes it
        with workbench.opened() as other, pytest.raises(TrustRefused, match="MOP3123"):
            Store(other.home).install(bundle, verify=decision(other.home))
    users = Home(tmp_path / "home").prepare()
    with pytest.raises(TrustRefused, match="MOP3123"):
        Store(users).install(bundle, verify=decision(users))


def test_the_private_key_is_nowhere_on_disk(tmp_path: Path) -> None:
    with workbench.opened() as bench:
        bench.install(write_plugin(tmp_path / "echo"))
        texts = [path.read_bytes() for path in bench.home.root.rglob("*") if path.is_file()]
    assert sum(b"PUBLIC KEY" in text for text in texts) == 1
    assert not any(b"PRIVATE KEY" in text for text in texts)


def test_nothing_is_left(tmp_path: Path) -> None:
    with workbench.opened() as bench:
        bench.install(write_plugin(tmp_path / "echo"))
        assert bench.home.root.stat().st_mode & 0o777 == 0o700
        assert list((bench.home.root / workbench.BUILT).iterdir()) == []
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_what_a_killed_session_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    place = Path(tempfile.gettempdir())
    killed, young, foreign = (place / f"{workbench.PREFIX}{name}" for name in ("killed", "young", "foreign"))
    for folder in (killed / "logs", young, tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
    foreign.symlink_to(tmp_path / "elsewhere")
    os.utime(killed, (1, 1))
    with workbench.opened() as running:
        os.utime(running.home.root, (1, 1))
        with workbench.opened():
            assert running.home.root.exists()  # it is locked
    assert (killed.exists(), young.exists(), (tmp_path / "elsewhere").exists()) == (False, True, True)


def test_a_full_disk_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    with pytest.raises(HostFault, match="MOP2702"), workbench.opened():
        pass


def test_what_the_manager_refuses_is_not_taken_for_its_end(tmp_path: Path) -> None:
    with workbench.opened() as bench:
        with pytest.raises(UsageError, match="MOP5203"):
            bench.ask("no such request")
        assert bench.ask("ping")["active"] == []
