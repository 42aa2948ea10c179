"""The runtime's wheel on a device: nothing but what it declares, and a command line that says what is not there."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(program: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "HOME": str(home), "MOBILEOPS_HOME": str(home / "mobileops")}
    command = [program, *arguments]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


def test_only_declared_dependencies_are_installed(device: Path, tmp_path: Path) -> None:
    listing = "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"
    installed = set(json.loads(run(device / "python", "-c", listing, home=tmp_path).stdout))
    of_cryptography = {"cffi", "pycparser", "typing-extensions", "typing_extensions"}
    assert installed - of_cryptography == {"mobileops-runtime", "cryptography", "msgspec"}


def test_the_help_works(device: Path, tmp_path: Path) -> None:
    result = run(device / "mobileops", "--help", home=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "install" in result.stdout


def test_every_portion_of_the_runtime_imports(device: Path, tmp_path: Path) -> None:
    code = "import mobileops.runtime.trust, mobileops.bundle, mobileops.plugin, mobileops.runtime.manager.daemon"
    result = run(device / "python", "-W", "error", "-c", code, home=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("verb", ["create-template", "validate", "package", "sign", "quickstart"])
def test_a_verb_of_the_toolchain_says_how_to_install_it(device: Path, tmp_path: Path, verb: str) -> None:
    result = run(device / "mobileops", verb, "my-plugin", home=tmp_path)
    assert result.returncode == 4
    assert "pip install mobileops-toolchain" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_cannot_be_validated_without_the_toolchain_and_that_is_said(device: Path, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "plugin.json").write_text("{}")
    result = run(device / "mobileops", "validate", str(tmp_path / "demo"), home=tmp_path)
    assert result.returncode == 4
    assert "pip install mobileops-toolchain" in result.stderr
