"""Packaging against `zip -qr`, `mcpb pack`, a hatchling wheel of the same tree, and floors.

The first floor is a Python that hashes every file. It starts as ours does, isolated and with its packages (``-I``,
without ``-S``): the goals were set against that one. The second also imports what of Python's own library any packer
with paths, patterns and JSON stands on: what lies between it and ours is ours. For the large tree a third makes the
compressor's calls of ours in two threads, and neither hashes nor writes: no bundle of the same bytes is made faster.

Run it with the Python that has the toolchain: ``python benchmarks/package.py [--json FILE] [--rounds N]``.
Every contender is a whole process that starts from the same tree and writes to the same file system. ``mcpb`` takes
part when it is on PATH (npm package ``@anthropic-ai/mcpb``); the tree of 500 MB is left out with ``--no-large``.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, aside, measure, report

from mobileops.toolchain.pack import pack

SUBJECT = "mobileops pack"
VERB = "mobileops package (the verb)"
FLOOR_NAME = "floor: read + SHA-256"
PLUGIN = """from mobileops.plugin import ServicePlugin, plugin_method


class Bench(ServicePlugin):
    @plugin_method
    def hello(self, name: str) -> str:
        return f"hello {name}"
"""
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
MCPB = {
    "manifest_version": "0.2",
    "name": "bench",
    "version": "1.0.0",
    "description": "A tree to pack",
    "author": {"name": "Nobody"},
    "server": {
        "type": "python",
        "entry_point": "main.py",
        "mcp_config": {"command": "python", "args": ["main.py"]},
    },
}
FLOOR = """
import hashlib, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), "rb", 0) as stream:
            hashlib.file_digest(stream, "sha256").hexdigest()
"""
COMPRESSOR_NAME = "floor: the compressor alone"
COMPRESSOR = """
import contextlib, os, queue, sys, threading
from mobileops.toolchain.pack.deflate_pieces import PIECE_BYTES, SAMPLE_BYTES, compress_piece, kind_of, sample_offsets
work = queue.SimpleQueue()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        file = os.open(os.path.join(folder, name), os.O_RDONLY)
        size = os.fstat(file).st_size
        if size >= PIECE_BYTES:
            kind = kind_of(b"".join(os.pread(file, SAMPLE_BYTES, offset) for offset in sample_offsets(size)))
            for offset in range(0, size, PIECE_BYTES):
                work.put((file, offset, kind, offset + PIECE_BYTES >= size))
def serve():
    with contextlib.suppress(queue.Empty):
        while True:
            file, offset, kind, last = work.get_nowait()
            compress_piece(os.pread(file, PIECE_BYTES, offset), kind, last=last)
threads = [threading.Thread(target=serve) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
LIBRARY = "import contextlib, enum, functools, json, pathlib, re, typing"
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
    (root / "main.py").write_text(PLUGIN)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "manifest.json").write_text(json.dumps(MCPB))
    for number in range(files - 2):
        folder = root / "lib" / f"part{number % 25:02}"
        folder.mkdir(parents=True, exist_ok=True)
        if number < (files - 2) * text_share:
            text = " ".join(dice.choices(words, k=each // 6 + 1)).encode()[:each]
            (folder / f"text{number:04}.py").write_bytes(b"# " + text)
        else:
            (folder / f"data{number:04}.bin").write_bytes(dice.randbytes(each))
    return root


def large_tree(root: Path) -> Path:
    """Write a plugin of 20 files with 500 MB: 400 MB of int8 weights, 60 MB incompressible, 36 MB of text."""
    dice = random.Random(20_260_101)  # noqa: S311 - a seeded generator is the point
    tree(root, files=10, size_bytes=30_000, text_share=1.0)
    block = bytes(int(dice.gauss(0, 4)) & 255 for _ in range(1 << 20))
    with (root / "lib" / "model.bin").open("wb") as model:
        for _ in range(400):
            turn = dice.randrange(1 << 20)  # no two megabytes are alike, and none was drawn byte by byte
            model.write(block[turn:] + block[:turn])
    for number in range(6):
        (root / "lib" / f"noise{number}.bin").write_bytes(dice.randbytes(10 << 20))
    words = ["".join(dice.choices("etaoinshrdlucmfwyp", k=dice.randint(2, 11))) for _ in range(4000)]
    for number in range(12):
        (root / "lib" / f"text{number}.txt").write_bytes(" ".join(dice.choices(words, k=500_000)).encode()[: 3 << 20])
    return root


def sizes(source: Path, out: Path) -> None:
    """Print how large the bundle is, and what ``zip -6`` makes of the same files."""
    ours = pack(source, out / "sizes").size_bytes
    subprocess.run(["zip", "-6qr", f"{out}/sizes/peer.zip", "."], check=True, cwd=source)
    theirs = (out / "sizes" / "peer.zip").stat().st_size
    print(f"  size: {ours:,} bytes, zip -6 {theirs:,}: {ours / theirs:.4f} x")


def contenders(source: Path, out: Path) -> list[Contender]:
    """Return who competes over the tree at `source`."""

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    python, target = sys.executable, str(out)
    mcpb = shutil.which("mcpb")
    peer = [Contender("mcpb pack", [mcpb, "pack", str(source), f"{target}/bench.mcpb"], prepare=fresh)] if mcpb else []
    return [
        *peer,
        Contender(SUBJECT, [python, "-I", "-c", PACK, str(source), target], prepare=fresh),
        Contender(
            VERB,
            [python, "-I", "-m", "mobileops.cli.main", "package", str(source), "--json", "--out", target],
            prepare=fresh,
        ),
        Contender(FLOOR_NAME, [python, "-I", "-c", FLOOR, str(source)], prepare=fresh),
        Contender("the same with Python's library", [python, "-I", "-c", LIBRARY + FLOOR, str(source)], prepare=fresh),
        Contender("zip -qr", ["zip", "-qr", f"{target}/bench.zip", "."], prepare=fresh, cwd=str(source)),
        Contender("hatchling wheel", [python, "-I", "-c", WHEEL, str(source), target], prepare=fresh),
    ]


def main() -> None:
    """Measure both trees and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-large", action="store_true", help="leave out the tree of 500 MB, which takes minutes")
    options = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        small = tree(Path(folder, "small"), files=10, size_bytes=30_000, text_share=1.0)
        medium = tree(Path(folder, "medium"), files=1000, size_bytes=20_000_000, text_share=0.5)
        for title, source in (("package 10 files / 30 KB", small), ("package 1,000 files / 20 MB", medium)):
            results = measure(contenders(source, Path(folder, "out")), rounds=options.rounds)
            reports.append(report(title, results, subject=SUBJECT))
            sizes(source, Path(folder, "out"))
        if not options.no_large:
            source = Path(folder, "large")
            aside(lambda: large_tree(source))
            wanted = {SUBJECT, VERB, FLOOR_NAME, "zip -qr"}
            large = [one for one in contenders(source, Path(folder, "out")) if one.name in wanted]
            large.append(Contender(COMPRESSOR_NAME, [sys.executable, "-I", "-c", COMPRESSOR, str(source)]))
            results = measure(large, rounds=min(options.rounds, 3))
            reports.append(report("package 20 files / 500 MB, one of 400 MB", results, subject=SUBJECT))
    if options.json:
        options.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
