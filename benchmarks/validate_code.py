"""Validating a plugin of 1,000 Python files, against the floor of ``ast.parse`` over the same files.

Run it with the Python that has the toolchain: ``python benchmarks/validate_code.py [--json FILE] [--rounds N]``.
Both contenders are whole processes. The goal for the median is 2 seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

from mobileops.toolchain.checks import check_source

SUBJECT = "mobileops validate"
GOAL_S = 2.0
FILES = 1000
MANIFEST = {
    "name": "bench",
    "version": "1.0.0",
    "description": "Much code to check",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
    "permissions": ["network.http:api.example.com", "filesystem.read:/srv/data", "system.environment:BENCH_LEVEL"],
}
MAIN = """from mobileops.plugin import ServicePlugin

import part0000


class BenchPlugin(ServicePlugin):
    def initialize(self):
        return part0000.ready()
"""
VALIDATE = """
import sys
from pathlib import Path
from mobileops.toolchain.checks import check_source
check_source(Path(sys.argv[1]))
"""
FLOOR = """
import ast, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb", 0) as stream:
                ast.parse(stream.read())
"""
# What the rules look for is in every fourth file: plugins touch the outside in few places.
OUTSIDE = (
    "    with open('/srv/data/{word}.csv', encoding='utf-8') as stream:\n        rows = stream.read()\n",
    "    level = os.environ.get('BENCH_LEVEL', '{word}')\n",
    "    answer = urllib.request.urlopen('https://api.example.com/{word}')\n",
    "    folder = os.path.join('{word}', os.path.basename('{word}'))\n",
)


def module(dice: random.Random, words: list[str], number: int) -> str:
    """Return one file: functions and a class of ordinary statements."""
    lines = [
        "import json",
        "import os",
        "import urllib.request",
        f"from part{(number + 1) % FILES:04} import ready as other",
        "",
    ]
    for _ in range(dice.randint(3, 8)):
        one, two, three = dice.sample(words, 3)
        lines += [f"def {one}_{two}({three}, limit=10):", f'    """Return the {one} of {three}."""', "    found = {}"]
        lines += [f"    for index, {one} in enumerate({three}):"]
        lines += [
            f"        if {one} and index < limit:",
            f"            found['{two}'] = [{one}.strip(), index * 2 + 1]",
        ]
        if number % 4 == 0:
            lines += dice.choice(OUTSIDE).format(word=two).rstrip("\n").split("\n")
        lines += ["    return json.dumps(found, sort_keys=True)", ""]
    lines += ["def ready():", "    return True", ""]
    return "\n".join(lines)


def plugin(root: Path) -> Path:
    """Write the plugin, the same every time."""
    dice = random.Random(20_260_103)  # noqa: S311 - a seeded generator is the point
    words = sorted({"".join(dice.choices("etaoinshrdlucm", k=dice.randint(4, 9))) for _ in range(2000)})
    (root / "lib").mkdir(parents=True)
    (root / "plugin.json").write_text(json.dumps(MANIFEST))
    (root / "main.py").write_text(MAIN)
    for number in range(FILES):
        (root / "lib" / f"part{number:04}.py").write_text(module(dice, words, number))
    return root


def main() -> None:
    """Measure, and print the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        source = plugin(Path(folder, "bench"))
        findings = check_source(source)
        assert not findings, findings[:3]
        size = sum(path.stat().st_size for path in source.rglob("*.py"))
        contenders = [
            Contender(SUBJECT, [sys.executable, "-c", VALIDATE, str(source)]),
            Contender("floor: ast.parse of every file", [sys.executable, "-I", "-S", "-c", FLOOR, str(source)]),
        ]
        results = measure(contenders, rounds=options.rounds)
    title = f"validate a plugin of {FILES:,} Python files / {size / 1e6:.1f} MB"
    figures = report(title, results, subject=SUBJECT)
    within = results[0].median_s <= GOAL_S
    print(f"  goal: at most {GOAL_S:.1f} s: {'met' if within else 'MISSED'}")
    if options.json:
        options.json.write_text(as_json([figures]), encoding="utf-8")


if __name__ == "__main__":
    main()
