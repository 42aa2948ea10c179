"""What ``mobileops test`` adds to pytest itself, once its environment exists: goal at most 1 s.

Run it with the Python that has the toolchain: ``python benchmarks/author_tests.py [--json FILE] [--rounds N]``.
Every contender is a whole process that runs the tests of a new plugin, as its template made them; pytest is given the
same interpreter and the folders that the plugin imports from. The round that is not measured makes the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

from mobileops.toolchain import scaffold

SUBJECT = "mobileops test --no-conformance"
FLOOR = "floor: pytest on the same tests"
TYPE = "service"


def contenders(scratch: Path) -> list[Contender]:
    """Return who competes."""
    plugin = scaffold.create("my-plugin", TYPE, parent=scratch).path
    here = ["env", f"MOBILEOPS_HOME={scratch / 'home'}", f"PYTHONPATH={plugin}"]
    ours = [*here, sys.executable, "-m", "mobileops.cli.main", "test", str(plugin)]
    theirs = [*here, "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest", "-q"]
    options = ["-p", "no:cacheprovider", "-p", "mobileops.plugin.fixtures", "-c", os.devnull, str(plugin / "tests")]
    return [
        Contender(SUBJECT, [*ours, "--no-conformance"], cwd=str(scratch)),
        Contender("mobileops test, generated tests too", ours, cwd=str(scratch)),
        Contender(FLOOR, [*theirs, *options], cwd=str(plugin)),
    ]


def main() -> None:
    """Measure, print the table and the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        results = measure(contenders(Path(folder)), rounds=options.rounds)
    figures = report(f"the tests of a new {TYPE} plugin", results, subject=SUBJECT)
    times = {result.name: result for result in results}
    for name in (SUBJECT, "mobileops test, generated tests too"):
        wall_s = times[name].median_s - times[FLOOR].median_s
        print(f"{name} adds {wall_s:.2f} s ({times[name].cpu_s - times[FLOOR].cpu_s:.2f} s of processor time)")
    if options.json:
        options.json.write_text(as_json([figures]), encoding="utf-8")


if __name__ == "__main__":
    main()
