"""Packaging against `zip -qr`, a hatchling wheel of the same tree, and the floor of reading and hashing every file.

Run it with the Python that has the toolchain: ``python benchmarks/package.py [--json FILE] [--rounds N]``.
Every contender is a whole process that starts from the same tree and writes to the same file system.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

SUBJECT = "mobileops pack"
MANIFEST = {
    "name": "bench",
    "version": "1.0.0",
    "description": "A tree to pack",
    "author": "Nobody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
PYPROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "bench"
version = "1.0.0"
[tool.hatch.build.targets.wheel]
only-include = ["plugin.json", "main.py", "lib"]
"""
FLOOR = """
import hashlib, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), "rb", 0) as stream:
            hashlib.file_digest(stream, "sha256").hexdigest()
"""
PACK = """
import sys
from pathlib import Path
from mobileops.toolchain.pack import pack
pack(Path(sys.argv[1]), Path(sys.argv[2]))
"""
WHEEL = """
import os, sys
from hatchling.build import build_wheel
os.chdir(sys.argv[1])
build_wheel(sys.argv[2])
"""


def tree(root: Path, *, files: int, size_bytes: int, text_share: float) -> Path:
    """Write a plugin of `files` files with `size_bytes` in all; a share of them is text, the rest incompressible."""
    dice = random.Random(20_260_101)  # noqa: S311 - a seeded generator is the point
    words = ["".join(dice.choices("etaoinshrdlucmfwyp", k=dice.randint(2, 11))) for _ in range(4000)]
    each = size_bytes // files
    root.mkdir()
    (root / "plugin.json").write_text(json.dumps(MANIFEST))
    (root / "main.py").write_text("print('hello')\n")
    (root / "pyproject.toml").write_text(PYPROJECT)
    for number in range(files - 2):
        folder = root / "lib" / f"part{number % 25:02}"
        folder.mkdir(parents=True, exist_ok=True)
        if number < (files - 2) * text_share:
            text = " ".join(dice.choices(words, k=each // 6 + 1)).encode()[:each]
            (folder / f"text{number:04}.py").write_bytes(b"# " + text)
        else:
            (folder / f"data{number:04}.bin").write_bytes(dice.randbytes(each))
    return root


def contenders(source: Path, out: Path) -> list[Contender]:
    """Return who competes over the tree at `source`."""

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    python, target = sys.executable, str(out)
    return [
        Contender(SUBJECT, [python, "-I", "-c", PACK, str(source), target], prepare=fresh),
        Contender("floor: read + SHA-256", [python, "-I", "-S", "-c", FLOOR, str(source)], prepare=fresh),
        Contender("zip -qr", ["zip", "-qr", f"{target}/bench.zip", "."], prepare=fresh, cwd=str(source)),
        Contender("hatchling wheel", [python, "-I", "-c", WHEEL, str(source), target], prepare=fresh),
    ]


def main() -> None:
    """Measure both trees and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        small = tree(Path(folder, "small"), files=10, size_bytes=30_000, text_share=1.0)
        medium = tree(Path(folder, "medium"), files=1000, size_bytes=20_000_000, text_share=0.5)
        for title, source in (("package 10 files / 30 KB", small), ("package 1,000 files / 20 MB", medium)):
            results = measure(contenders(source, Path(folder, "out")), rounds=options.rounds)
            reports.append(report(title, results, subject=SUBJECT))
    if options.json:
        options.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
