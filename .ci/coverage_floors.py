"""Hold each package to its own floor of branch coverage, and print the table.

``coverage report --fail-under`` knows one number for everything, so a big well-tested package can hide a small
untested one. Here every package is measured alone, against the floor whose module prefix is the longest that fits
(``[tool.coverage-floors]`` in pyproject.toml).

Usage: ``python .ci/coverage_floors.py coverage.json pyproject.toml``; exit code 1 when a package is below its floor.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tomllib
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAMESPACE: Final = "mobileops"
PACKAGE_DEPTH: Final = 3  # mobileops.toolchain.pack is a row, mobileops.toolchain.pack.writer belongs to it


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One package of the table.

    Attributes:
        package: dotted name.
        covered: statements and branches that ran.
        total: statements and branches there are.
        floor: percent required.
    """

    package: str
    covered: int
    total: int
    floor: float

    @property
    def percent(self) -> float:
        """Return what ran, in percent; an empty package is covered."""
        return 100.0 * self.covered / self.total if self.total else 100.0

    @property
    def ok(self) -> bool:
        """Tell whether the floor is reached; compared exactly, 99.99 is not 100."""
        return self.covered * 100 >= self.floor * self.total

    def __str__(self) -> str:
        verdict = "" if self.ok else "  BELOW"
        return f"{self.package:<40} {self.covered:>6}/{self.total:<6} {self.percent:>7.2f} {self.floor:>6g}{verdict}"


def module_of(file: str) -> str:
    """Return the dotted module name of a measured file, wherever its portion lies."""
    parts = PurePath(file).with_suffix("").parts
    last = len(parts) - 1 - parts[::-1].index(NAMESPACE)
    # toolchain/mobileops/toolchain: the namespace folder is the last one called mobileops.
    names = parts[last:]
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def package_of(module: str, *, is_package: bool, floors: Mapping[str, float]) -> str:
    """Return the row a module belongs to: a named floor of its own, or its package."""
    named = longest_prefix(module, floors)
    if named != NAMESPACE:
        return named
    package = module if is_package else module.rpartition(".")[0]
    return ".".join(package.split(".")[:PACKAGE_DEPTH])


def longest_prefix(module: str, floors: Mapping[str, float]) -> str:
    """Return the most specific floor that speaks about a module."""
    fitting = [prefix for prefix in floors if module == prefix or module.startswith(prefix + ".")]
    return max(fitting, key=len)


def rows(files: Mapping[str, Any], floors: Mapping[str, float]) -> list[Row]:
    """Sum the files of ``coverage json`` by package."""
    sums: dict[str, list[int]] = {}
    for file, entry in files.items():
        package = package_of(module_of(file), is_package=PurePath(file).name == "__init__.py", floors=floors)
        summary = entry["summary"]
        pair = sums.setdefault(package, [0, 0])
        pair[0] += summary["covered_lines"] + summary["covered_branches"]
        pair[1] += summary["num_statements"] + summary["num_branches"]
    return [Row(name, *sums[name], floor=floors[longest_prefix(name, floors)]) for name in sorted(sums)]


def unmeasured(measured: Iterable[Row], floors: Mapping[str, float]) -> list[str]:
    """Return the named floors that no row answers to: a renamed package must not lose its floor silently."""
    names = {row.package for row in measured}
    return sorted(prefix for prefix in floors if prefix != NAMESPACE and prefix not in names)


def main(arguments: list[str]) -> int:
    """Print the table and return the exit code."""
    measurement, project = map(Path, arguments)
    floors = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["coverage-floors"]
    table = rows(json.loads(measurement.read_text(encoding="utf-8"))["files"], floors)
    print(f"{'package':<40} {'covered/total':>13} {'percent':>7} {'floor':>6}")
    print("\n".join(map(str, table)))
    missing = unmeasured(table, floors)
    for name in missing:
        print(f"{name}: has a floor in {project.name}, but no file was measured under that name")
    return 1 if missing or not all(row.ok for row in table) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
