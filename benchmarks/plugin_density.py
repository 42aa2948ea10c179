"""Many plugins at once, and what one costs: 100 sandboxed starts, memory of an idle plugin, open() and stat() inside.

The price of a system call is measured in the same process image, first in a plain fork of this interpreter, then inside
the sandbox, alternated, on files of equal depth.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _sandbox import SPARE_READY_S, Sandbox, end, sandbox

COUNT = 100
ROUNDS = 9
IDLE = """
def main(channel, assignment):
    channel.sendall(b"ready")
    channel.recv(1)
"""
CALLS = """
import json, os, time

def best(act, count=20000, rounds=7):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(count):
            act()
        times.append((time.perf_counter() - begin) / count)
    return min(times)

def calls(path):
    return {"open": best(lambda: os.close(os.open(path, os.O_RDONLY))), "stat": best(lambda: os.stat(path))}

def measure(channel, assignment):
    channel.sendall(json.dumps(calls("/app/calls.py")).encode())

if __name__ == "__main__":
    import sys
    print(json.dumps(calls(sys.argv[1])))
"""


def uss_bytes(pid: int) -> int:
    """Return the memory that would be free if the process ended."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def density(where: Sandbox, count: int) -> dict[str, float]:
    """Start many plugins; return the seconds until all were ready, and the median of what each holds."""
    begin = time.perf_counter()
    running = [where.launcher.launch(where.policy(number), {}, entry="idle:main") for number in range(count)]
    for one in running:
        assert one.channel.recv(16) == b"ready"
    seconds = time.perf_counter() - begin
    memory = statistics.median(uss_bytes(one.pid) for one in running)
    for one in running:
        end(one)
    where.launcher.read_exits()
    return {"starts": count, "starts_s": seconds, "idle_uss_bytes": memory}


def warm_memory(where: Sandbox) -> dict[str, float]:
    """Return the median of what an idle plugin holds that a spare process became."""
    running = []
    for number in range(ROUNDS):
        time.sleep(SPARE_READY_S)
        running.append(where.launcher.launch(where.policy(number), {}, entry="idle:main"))
        assert running[-1].channel.recv(16) == b"ready"
    memory = statistics.median(uss_bytes(one.pid) for one in running)
    for one in running:
        end(one)
    where.launcher.read_exits()
    return {"warm_idle_uss_bytes": memory}


def prices(where: Sandbox) -> dict[str, float]:
    """Return how many times as long a system call takes inside."""
    source = where.app / "calls.py"
    command = [os.path.realpath(sys.executable), "-I", "-S", str(source), str(source)]
    ratios: dict[str, list[float]] = {"open": [], "stat": []}
    for _ in range(ROUNDS):
        outside = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        launched = where.launcher.launch(where.policy(), {}, entry="calls:measure")
        inside = json.loads(launched.channel.recv(4096))
        end(launched)
        for call, times in ratios.items():
            times.append(inside[call] / outside[call])
    return {f"{call}_ratio": statistics.median(times) for call, times in ratios.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    with sandbox({"idle.py": IDLE, "calls.py": CALLS}) as where:
        results = {**density(where, options.count), **warm_memory(where), **prices(where)}
    print(f"{options.count} sandboxed plugins started in {results['starts_s']:.2f} s")
    for key, which in (("idle_uss_bytes", "cold"), ("warm_idle_uss_bytes", "warm")):
        print(f"an idle plugin, started {which}, holds {results[key] / (1 << 20):.2f} MiB of its own (USS, median)")
    for call in ("open", "stat"):
        print(f"{call}() inside takes {results[f'{call}_ratio']:.2f} x (median of {ROUNDS}, alternated)")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
