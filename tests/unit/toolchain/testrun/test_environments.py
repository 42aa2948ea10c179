"""Environments that tests run in, made by nox."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.testrun import environments, interpreters

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("length", [85, 120])
def test_a_long_path_is_no_obstacle(tmp_path: Path, length: int) -> None:
    """nox calls the environment otherwise in the shorter one."""
    cache = tmp_path / ("x" * (length - len(str(tmp_path)) - 1))
    python = environments.environment(interpreters.own(), cache=cache, variables=dict(os.environ))
    assert python.parent.parent.parent == cache
    assert subprocess.run([str(python), "-c", "import pytest"], check=False).returncode == 0
    assert not [one for one in cache.iterdir() if one.suffix == ".location"]


def test_a_python_like_the_toolchains_own_gets_links_to_its_tools_and_asks_no_index(tmp_path: Path) -> None:
    offline = {"PATH": os.environ["PATH"], "UV_OFFLINE": "1"}
    python = environments.environment(interpreters.own(), cache=tmp_path, variables=offline)
    (site,) = python.parent.parent.glob("lib/python3.*/site-packages")
    home = environments._home_of_tools()
    assert {name: (site / name).readlink() for name in ("coverage", "msgspec", "pytest", "pluggy")} == {
        name: home / name for name in ("coverage", "msgspec", "pytest", "pluggy")
    }
    assert not (site / "mobileops").exists()
