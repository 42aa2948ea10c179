"""Run the corpus of hostile archives on this project's reader and on its peers, and print who accepts how many.

A reader accepts an archive when it reads all of its members and reports no error. Nothing is written: each reads into
nothing or onto standard output, because a hostile archive would write where it wants. Peers: Info-ZIP ``unzip -t``,
``bsdtar -xO``, ``7zz t``, Python's ``zipfile``, and yauzl and adm-zip of npm. Run it with ``nox -s corpus``.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused
from tests.fakes import hostile_archives

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 60
READ_BYTES = 1 << 20
FAMILIES = ("name", "duplicate", "type", "size", "bomb", "structure", "content")
ADM_ZIP = (
    "const Zip=require(process.env.CORPUS_READERS+'/node_modules/adm-zip');"
    "for(const e of new Zip(process.argv[1]).getEntries())if(!e.isDirectory)e.getData()"
)


def ours(path: Path) -> bool:
    """Read with this project."""
    try:
        with open_bundle(path) as bundle:
            bundle.check_members()
    except BundleRefused:
        return False
    return True


def by_zipfile(path: Path) -> bool:
    """Read with the standard library."""
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                with archive.open(info) as member:
                    while member.read(READ_BYTES):
                        pass
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
        return False
    return True


def program(*command: str) -> Callable[[Path], bool]:
    """Read with a program; its exit code says whether it accepts."""

    def read(path: Path) -> bool:
        try:
            done = subprocess.run(
                [*command, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT_S,
                check=False,
                cwd=path.parent,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    return read


def first_line(*command: str, line: int = 0) -> str:
    """Return one line of what a program says about itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [text for text in (done.stdout or done.stderr).splitlines() if text.strip()][line].strip()


def readers() -> dict[str, Callable[[Path], bool]]:
    """Return label with version -> reader, of those that are installed here."""
    seven = shutil.which("7zz") or shutil.which("7z")
    found: dict[str, Callable[[Path], bool]] = {
        "mobileops": ours,
        f"Python {sys.version.split()[0]} zipfile": by_zipfile,
    }
    if shutil.which("unzip"):
        found[" ".join(first_line("unzip", "-v").split()[:2])] = program("unzip", "-tqq", "-P", "none")
    if shutil.which("bsdtar"):
        found[" ".join(first_line("bsdtar", "--version").split()[:2])] = program("bsdtar", "-xOf")
    if seven:
        found[" ".join(first_line(seven).split()[:3])] = program(seven, "t", "-pnone", "-y")
    modules = os.environ.get("CORPUS_READERS")
    if modules and shutil.which("node"):
        for name, command in {
            "yauzl": ("node", str(HERE / "yauzl.cjs")),
            "adm-zip": ("node", "-e", ADM_ZIP),
        }.items():
            package = f"{modules}/node_modules/{name}/package.json"
            version = first_line("node", "-p", f"require({package!r}).version")
            found[f"{name} {version}"] = program(*command)
    return found


def main() -> int:
    """Print the table as Markdown; exit 1 when this project's reader accepts one or refuses with another code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="readers whose label contains this")
    options = parser.parse_args()
    known = {label: read for label, read in readers().items() if options.only in label}
    accepted = {label: collections.Counter[str]() for label in known}
    with tempfile.TemporaryDirectory(prefix="mobileops-corpus-") as folder:
        path = Path(folder) / "demo-1.0.0.zip"
        path.write_bytes(hostile_archives.GOOD)
        unable = [label for label, read in known.items() if not read(path)]
        for case in hostile_archives.CASES:
            path.write_bytes(case.make())
            for label, read in known.items():
                accepted[label][case.family] += read(path)
    sizes = collections.Counter(case.family for case in hostile_archives.CASES)
    print(f"Hostile archives accepted, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}:\n")
    print("| reader | all | " + " | ".join(FAMILIES) + " |")
    print("|---|" + "---:|" * (len(FAMILIES) + 1))
    print(f"| (of) | {sizes.total()} | " + " | ".join(str(sizes[family]) for family in FAMILIES) + " |")
    for label, counts in accepted.items():
        print(f"| {label} | {counts.total()} | " + " | ".join(str(counts[family]) for family in FAMILIES) + " |")
    if unable:
        print(f"\nThese do not even read a good bundle, their figures mean nothing: {', '.join(unable)}")
    return 1 if accepted.get("mobileops", collections.Counter()).total() else 0


if __name__ == "__main__":
    sys.exit(main())
