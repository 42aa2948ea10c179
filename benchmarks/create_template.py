"""Making a plugin folder against cookiecutter's own command on the same template, and the floor of copying the result.

Run it with the Python that has the toolchain: ``python benchmarks/create_template.py [--json FILE] [--rounds N]``.
Every contender is a whole process that makes the same folder on the same file system.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root

SUBJECT = "mobileops create-template"
COPY = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])"


def contenders(plugin_type: str, scratch: Path) -> list[Contender]:
    """Return who competes over one template."""
    made, home = scratch / "my-plugin", scratch / "home"
    model = scaffold.create("model", plugin_type, parent=scratch).path
    home.mkdir()

    def fresh() -> None:
        shutil.rmtree(made, ignore_errors=True)

    python, here = sys.executable, str(scratch)
    template = str(cookiecutters_root() / plugin_type)
    ours = [python, "-I", "-m", "mobileops.cli.main", "create-template", "my-plugin", plugin_type, "--no-input"]
    theirs = ["env", f"HOME={home}", python, "-m", "cookiecutter", "--no-input", template]
    return [
        Contender(SUBJECT, ours, prepare=fresh, cwd=here),
        Contender("floor: copy the result", [python, "-I", "-S", "-c", COPY, str(model), str(made)], prepare=fresh),
        Contender("cookiecutter --no-input", theirs, prepare=fresh, cwd=here),
    ]


def main() -> None:
    """Measure each template and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    reports = []
    for plugin_type in scaffold.templates():
        with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
            results = measure(contenders(plugin_type, Path(folder)), rounds=options.rounds)
        reports.append(report(f"create-template {plugin_type}", results, subject=SUBJECT))
    if options.json:
        options.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
