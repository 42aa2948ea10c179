"""Read other people's archives with the strict reader: it may refuse, and never anything else.

Give it folders with archives from public test suites (``.zip``, ``.whl``, …; ``.uu`` are decoded), for example of
pypi/warehouse (``tests/unit/utils/zipdata``), Majored/rs-async-zip, libarchive (``libarchive/test``). None of them is a
bundle, so a reader that accepts one has a defect, and so has one that ends with anything but a refusal.
"""

from __future__ import annotations

import binascii
import collections
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = {".zip", ".zipx", ".whl", ".jar", ".apk", ".data"}


def archives(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of the archives below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file():
            yield path.name, path.read_bytes()
        elif path.suffix == ".uu" and any(f"{suffix}." in path.name for suffix in SUFFIXES):
            yield path.name, decoded(path.read_bytes())


def decoded(text: bytes) -> bytes:
    """Return what a uuencoded text stands for; lines that are none are left out, as in libarchive's reader."""
    out = bytearray()
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line == b"end":
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            out += binascii.a2b_uu(line[:length])
    return bytes(out)


def main(folders: list[str]) -> int:
    """Print one line for each folder; exit 1 when an archive was accepted or the reader crashed."""
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mobileops-corpus-") as scratch:
        path = Path(scratch) / "public.zip"
        for folder in folders:
            codes: collections.Counter[str] = collections.Counter()
            slowest = 0.0
            for name, data in archives(Path(folder)):
                path.write_bytes(data)
                start = time.perf_counter()
                try:
                    with open_bundle(path) as bundle:
                        bundle.check_members()
                    outcome = "accepted"
                except BundleRefused as refusal:
                    outcome = refusal.code
                except Exception as error:  # noqa: BLE001 - that is what is looked for
                    outcome = f"crash {type(error).__name__}"
                slowest = max(slowest, time.perf_counter() - start)
                codes[outcome] += 1
                if not outcome.startswith("MOP"):
                    bad += 1
                    print(f"  {name}: {outcome}")
            shown = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
            print(f"{folder}: {codes.total()} archives, slowest {slowest * 1000:.1f} ms: {shown}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
