"""The verbs of a plugin's life that need no plugin manager, and the unit for systemd."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mobileops.cli.main import main
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.runtime.supervision.autostart import Autostart
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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
