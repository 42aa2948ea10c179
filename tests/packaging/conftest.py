from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.packaging.checkout_copy import PROJECTS, build, copy_checkout

if TYPE_CHECKING:
    from pathlib import Path


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
