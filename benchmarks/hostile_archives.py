"""Refuse every archive of the hostile corpus: how long does each take, and how much memory?

Each archive is opened and, as far as it comes, extracted in a process of its own, forked from one that has imported the
reader, so that the memory is that of the interpreter and the reader together. Bounds: 50 ms and 64 MB each.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import struct
import tempfile
import time
from pathlib import Path

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused
from tests.fakes import hostile_archives

MAX_S = 0.05
MAX_KIB = 64 << 10
_RESULT = struct.Struct("<dq?")


def measured(path: Path, out: Path, code: str, rounds: int) -> tuple[float, int, bool]:
    """Return (median seconds, peak KiB, whether the code was right) of refusing one archive in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        times = []
        right = True
        for _ in range(rounds):
            start = time.perf_counter()
            try:
                with open_bundle(path) as bundle:
                    bundle.extract(out)
                right = False
            except BundleRefused as refusal:
                right = right and refusal.code == code and not out.exists()
            times.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(writing, _RESULT.pack(sorted(times)[rounds // 2], peak, right))
        os._exit(0)
    os.close(writing)
    data = os.read(reading, _RESULT.size)
    os.close(reading)
    os.waitpid(child, 0)
    return _RESULT.unpack(data)


def main() -> None:
    """Measure and print one row for each family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, int, bool]]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="mobileops-bench-") as folder:
        path = Path(folder) / "demo-1.0.0.zip"
        for case in hostile_archives.CASES:
            # In a child, or the archives made here would count as memory of the reader.
            maker = os.fork()
            if not maker:
                path.write_bytes(case.make())
                os._exit(0)
            os.waitpid(maker, 0)
            rows[case.family].append(measured(path, Path(folder) / "out", case.code, options.rounds))
    print(f"{'family':<10} {'archives':>8} {'right code':>10} {'slowest':>10} {'most memory':>12}")
    for family, results in rows.items():
        slowest, most = max(one[0] for one in results), max(one[1] for one in results)
        right = sum(one[2] for one in results)
        print(f"{family:<10} {len(results):>8} {right:>10} {slowest * 1000:>7.2f} ms {most / 1024:>9.1f} MB")
    found = [one for results in rows.values() for one in results]
    within = all(seconds <= MAX_S and kib <= MAX_KIB and right for seconds, kib, right in found)
    print(f"each within {MAX_S * 1000:.0f} ms and {MAX_KIB >> 10} MB, with the right code: {'yes' if within else 'NO'}")
    if options.json:
        figures = {"archives": len(found), "slowest_s": max(found)[0], "peak_kib": max(one[1] for one in found)}
        options.json.write_text(json.dumps({**figures, "within": within}), encoding="utf-8")


if __name__ == "__main__":
    main()
