"""What the command line costs before it does anything: whole processes against the bare interpreter.

Run it with the Python that has the product: ``python benchmarks/cli_start.py [--json FILE] [--rounds N]``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

MAIN = "from mobileops.cli.main import main; raise SystemExit(main())"


def verb(*words: str) -> list[str]:
    """Return the command for a verb, run by the same interpreter as the floor, in isolated mode as well."""
    return [sys.executable, "-I", "-c", MAIN, *words]


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    floor = Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"])
    reports = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["MOBILEOPS_HOME"] = home
        for words in (("--help",), ("--version",), ("list",), ("status",)):
            subject = f"mobileops {' '.join(words)}"
            results = measure([Contender(subject, verb(*words)), floor], rounds=arguments.rounds)
            reports.append(report(f"start of '{subject}'", results, subject=subject))
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
