"""The verbs of a plugin's life, and the unit for systemd."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from mobileops.cli.main import main
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.store.autostart import Autostart
from tests.fakes.daemon_thread import serving
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.cli.conftest import Run


def test_a_plugin_is_enabled_until_it_is_disabled_or_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(), verify=publisher.decision())
    for words, names in (("enable", ["echo"]), ("disable", []), ("enable", ["echo"]), ("uninstall", [])):
        assert main([words, "echo"]) == 0
        assert Autostart(home).names() == names


def test_the_unit_of_an_ordinary_user_is_written_where_systemd_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["daemon", "--install-unit"]) == 0
    unit = tmp_path / "config" / "systemd" / "user" / "mobileops.service"
    assert capsys.readouterr().out == f"{unit}\n"
    assert f"--home {tmp_path / 'home'} --no-idle-exit" in unit.read_text()


def test_a_running_plugin_is_restarted_reloaded_upgraded_and_rolled_back(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home").prepare()
    publisher, store = Publisher(home, tmp_path), Store(home)
    store.install(publisher.publish(), verify=publisher.decision())
    with serving(home, monkeypatch):
        for verb in ("start", "restart", "reload"):
            found = as_published("plugin-state", mobileops(verb, "echo", "--json")[1])
            assert (found["state"], found["version"]) == ("running", "1.0.0")
        assert "reloaded itself" in mobileops("reload", "echo", "--in-place")[1]
        assert "was replaced by a new process" in mobileops("reload", "echo")[1]
        assert mobileops("status", "echo", "--wait", "running")[0] == 0
        store.install(publisher.publish(version="2.0.0"), verify=publisher.decision())
        assert json.loads(mobileops("reload", "echo", "--json")[1])["version"] == "2.0.0"
        found = as_published("rollback", mobileops("rollback", "echo", "--json")[1])
        assert found == {"name": "echo", "installed": "1.0.0", "before": "2.0.0", "state": "running"}
        assert "echo is 2.0.0 again (was 1.0.0), and is running" in mobileops("rollback", "echo")[1]
        as_published("status", mobileops("status", "echo", "--detailed", "--json")[1])
        as_published("plugin-state", mobileops("stop", "echo", "--json")[1])
        as_published("autostart", mobileops("enable", "echo", "--json")[1])
        assert mobileops("enable", "echo")[1] == "echo is started with the plugin manager, as before\n"


def test_without_a_plugin_manager_a_rollback_is_only_of_what_is_installed(mobileops: Run, tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    publisher, store = Publisher(home, tmp_path), Store(home)
    for version in ("1.0.0", "2.0.0"):
        store.install(publisher.publish(version=version), verify=publisher.decision())
    found = as_published("rollback", mobileops("rollback", "echo", "--json")[1])
    assert (found["installed"], found["state"]) == ("1.0.0", "stopped")
