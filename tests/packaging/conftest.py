from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.checkout_copy import PROJECTS, build, copy_checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the checkout; hatchling looks for .gitignore as far up as the repository's top."""
    copy = copy_checkout(tmp_path_factory.mktemp("checkout"))
    subprocess.run(["git", "init", "-q", str(copy)], check=True)
    return copy


@pytest.fixture(scope="session")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each distribution's built wheel."""
    out = tmp_path_factory.mktemp("wheels")
    return {name: build(checkout / folder, "wheel", into=out / name) for name, folder in PROJECTS.items()}


@pytest.fixture(scope="session")
def device(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment into which the runtime's wheel was installed, alone."""
    folder = tmp_path_factory.mktemp("device") / "environment"
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv is not None
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
    target = ["--python", folder / "bin/python"]
    subprocess.run([uv, "pip", "install", "-q", *target, wheels["mobileops_runtime"]], check=True)
    return folder / "bin"
