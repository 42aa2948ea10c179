from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.packaging.checkout_copy import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FLOORS = '[tool.coverage-floors]\n"mobileops" = 90\n"mobileops.bundle" = 100\n'
LIMITS = "/site-packages/mobileops/bundle/limits.py"
LOGS = "runtime_min/mobileops/runtime/logs.py"
WRITER = "toolchain/mobileops/toolchain/pack/writer.py"


def floors(folder: Path, **files: tuple[int, int]) -> subprocess.CompletedProcess[str]:
    """Run the script over measured files, given as covered and total."""
    measured = {
        name: {"summary": {"covered_lines": covered, "covered_branches": 0, "num_statements": total, "num_branches": 0}}
        for name, (covered, total) in files.items()
    }
    (folder / "coverage.json").write_text(json.dumps({"files": measured}))
    (folder / "pyproject.toml").write_text(FLOORS)
    command = [sys.executable, ROOT / ".ci/coverage_floors.py", "coverage.json", "pyproject.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_packages_at_their_floors_pass(tmp_path: Path) -> None:
    result = floors(tmp_path, **{LIMITS: (10, 10), LOGS: (9, 10), WRITER: (10, 10)})
    assert result.returncode == 0, result.stdout
    rows = [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert rows == ["mobileops.bundle", "mobileops.runtime", "mobileops.toolchain.pack"]


def test_almost_all_is_not_all(tmp_path: Path) -> None:
    result = floors(tmp_path, **{LIMITS: (99_999, 100_000)})
    assert result.returncode == 1
    assert "BELOW" in result.stdout


def test_a_small_package_is_not_hidden_by_a_big_one(tmp_path: Path) -> None:
    result = floors(tmp_path, **{LIMITS: (10, 10), LOGS: (8, 10), WRITER: (1000, 1000)})
    assert result.returncode == 1
    assert [line.split()[0] for line in result.stdout.splitlines() if "BELOW" in line] == ["mobileops.runtime"]


def test_a_floor_that_measures_nothing_is_a_failure(tmp_path: Path) -> None:
    result = floors(tmp_path, **{LOGS: (10, 10)})
    assert result.returncode == 1
    assert "mobileops.bundle: has a floor" in result.stdout
