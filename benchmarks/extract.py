"""Checking and extracting a bundle of 1,000 files against ``unzip && sha256sum -c``.

Run it with the Python that has the toolchain: ``python benchmarks/extract.py [--json FILE] [--rounds N]``; ``--folder``
names a folder on another disk.
The peer is given a list of digests that it trusts; ours come from the file table. Ours checks every rule of the strict
profile, checks everything before it writes anything, and flushes every file to disk: the peer is also shown with that.
The floor copies the same files, and neither reads an archive nor flushes.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, put_aside, report
from package import tree

from mobileops.toolchain.pack import pack

SUBJECT = "mobileops open + extract"
EXTRACT = """
import sys
from pathlib import Path
from mobileops.bundle import open_bundle
with open_bundle(Path(sys.argv[1])) as bundle:
    bundle.extract(Path(sys.argv[2]))
"""
FLOOR = """
import os, sys
reference, out = sys.argv[1:]
for folder, _, names in os.walk(reference):
    into = out + folder[len(reference):]
    os.mkdir(into)
    for name in names:
        descriptor = os.open(f"{into}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with open(f"{folder}/{name}", "rb", 0) as stream:
            os.write(descriptor, stream.read())
        os.close(descriptor)
"""
PEER = 'unzip -q "$1" -d "$2" && cd "$2" && sha256sum --quiet -c "$3"'


def digests(source: Path, archive: Path, into: Path) -> Path:
    """Write the list that sha256sum reads, of what unzip makes of the archive."""
    shutil.unpack_archive(archive, source)
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(source)}"
        for path in sorted(source.rglob("*"))
        if path.is_file()
    )
    into.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return into


def contenders(archive: Path, reference: Path, out: Path, sums: Path) -> list[Contender]:
    """Return who competes over the archive."""

    def fresh() -> None:
        put_aside(out)

    python, arguments = sys.executable, [str(archive), str(out), str(sums)]
    return [
        Contender(SUBJECT, [python, "-I", "-c", EXTRACT, *arguments], prepare=fresh),
        Contender("unzip && sha256sum -c", ["sh", "-c", PEER, "sh", *arguments], prepare=fresh),
        Contender("the same && sync -f", ["sh", "-c", f"{PEER} && sync -f .", "sh", *arguments], prepare=fresh),
        Contender("floor: copy the files", [python, "-I", "-S", "-c", FLOOR, str(reference), str(out)], prepare=fresh),
        Contender("python -I -c pass", [python, "-I", "-c", "pass"], prepare=fresh),
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", help="where to work; its file system is part of what is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-", dir=options.folder) as folder:
        source = tree(Path(folder, "source"), files=1000, size_bytes=20_000_000, text_share=0.5)
        archive = pack(source, Path(folder, "dist")).path
        sums = digests(Path(folder, "reference"), archive, Path(folder, "sums"))
        results = measure(
            contenders(archive, Path(folder, "reference"), Path(folder, "out"), sums), rounds=options.rounds
        )
    written = report("check and extract 1,000 files / 20 MB", results, subject=SUBJECT)
    if options.json:
        options.json.write_text(as_json([written]), encoding="utf-8")


if __name__ == "__main__":
    main()
