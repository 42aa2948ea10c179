"""`mobileops.toolchain.pipeline.testing`: what it keeps, and which Python a sandbox has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.errors import UsageError
from mobileops.toolchain.pack.source_manifest import load_manifest
from mobileops.toolchain.pipeline import testing
from mobileops.toolchain.testrun import interpreters
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_kept_is_whole_and_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "one.py").write_text("x = 1\n")
    for _run in range(2):  # the second comes too late
        testing._keep(tmp_path / "site", tmp_path / "cache" / "kept")
        assert [path.name for path in (tmp_path / "cache").rglob("*")] == ["kept", "one.py"]


def test_a_sandbox_has_no_other_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = interpreters.own()
    other = own._replace(base="/another/python")
    monkeypatch.setattr(interpreters, "choose", lambda words, _declared, **_find: [other if words == ["x"] else own])
    manifest, _ = load_manifest(write_plugin(tmp_path / "echo"))
    around = testing.Surroundings(cache=tmp_path, variables={}, cwd=tmp_path, begin=print, show=print)
    with pytest.raises(UsageError, match="MOP2616"):
        testing._chosen(manifest, testing.Choices(pythons=["x"], sandboxed=True), around)
    assert testing._chosen(manifest, testing.Choices(pythons=["own"], sandboxed=True), around) == [own]
