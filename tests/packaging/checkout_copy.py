"""Copies of the checkout for tests that build, break or run it; the checkout itself is only read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = {"mobileops_runtime": "runtime_min", "mobileops_toolchain": "."}


def tracked(*folders: str) -> list[str]:
    """List what git has and what it would take: everything but what .gitignore hides."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in set(listing.split("\0")) if name and (ROOT / name).is_file())


def copy_checkout(into: Path, *folders: str) -> Path:
    """Copy what git knows of the checkout, or of some folders of it."""
    for name in tracked(*folders):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return into


def build(project: Path, kind: str, *, into: Path) -> Path:
    """Run the build back end in the project's folder and return the one file it made."""
    into.mkdir(parents=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    built = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (artefact,) = into.iterdir()
    return artefact
