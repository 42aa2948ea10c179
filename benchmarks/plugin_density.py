"""Many plugins at once, and what one costs: 100 sandboxed starts, memory of an idle plugin, open() and stat() inside.

The price of a system call is measured in the same process image, first in a plain fork of this interpreter, then inside
the sandbox, alternated, on files of equal depth.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching.launcher import Launcher

if TYPE_CHECKING:
    from mobileops.runtime.launching.launched import Launched

COUNT = 100
ROUNDS = 9
#: Longer than the zygote waits before it makes a spare, and than a spare takes.
SPARE_READY_S = 0.15
LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=256, file_size_bytes=64 << 20)
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


def end(launched: Launched) -> None:
    """End a plugin and close what belongs to it."""
    launched.channel.close()
    select.select([launched.pidfd], [], [])
    os.close(launched.pidfd)
    os.close(launched.output)


def policy(base: Path, number: int) -> SandboxPolicy:
    """Return the policy of one of many plugins with the same code."""
    app, data = base / "plugins" / "bench", base / "data" / f"bench{number}"
    return SandboxPolicy("bench", str(app), str(data), plugin_uid(number), LIMITS)


def density(launcher: Launcher, base: Path, count: int) -> dict[str, float]:
    """Start many plugins; return the seconds until all were ready, and the median of what each holds."""
    begin = time.perf_counter()
    running = [launcher.launch(policy(base, number), {}, entry="idle:main") for number in range(count)]
    for one in running:
        assert one.channel.recv(16) == b"ready"
    seconds = time.perf_counter() - begin
    memory = statistics.median(uss_bytes(one.pid) for one in running)
    for one in running:
        end(one)
    launcher.read_exits()
    return {"starts": count, "starts_s": seconds, "idle_uss_bytes": memory}


def warm_memory(launcher: Launcher, base: Path) -> dict[str, float]:
    """Return the median of what an idle plugin holds that a spare process became."""
    running = []
    for number in range(ROUNDS):
        time.sleep(SPARE_READY_S)
        running.append(launcher.launch(policy(base, number), {}, entry="idle:main"))
        assert running[-1].channel.recv(16) == b"ready"
    memory = statistics.median(uss_bytes(one.pid) for one in running)
    for one in running:
        end(one)
    launcher.read_exits()
    return {"warm_idle_uss_bytes": memory}


def prices(launcher: Launcher, base: Path) -> dict[str, float]:
    """Return how many times as long a system call takes inside."""
    source = base / "plugins" / "bench" / "calls.py"
    command = [os.path.realpath(sys.executable), "-I", "-S", str(source), str(source)]
    ratios: dict[str, list[float]] = {"open": [], "stat": []}
    for _ in range(ROUNDS):
        outside = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        launched = launcher.launch(policy(base, 0), {}, entry="calls:measure")
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
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        app = base / "plugins" / "bench"
        app.mkdir(parents=True)
        (app / "idle.py").write_text(IDLE)
        (app / "calls.py").write_text(CALLS)
        with Launcher(plugins=base / "plugins", data=base / "data") as launcher:
            results = {
                **density(launcher, base, options.count),
                **warm_memory(launcher, base),
                **prices(launcher, base),
            }
    print(f"{options.count} sandboxed plugins started in {results['starts_s']:.2f} s")
    for key, which in (("idle_uss_bytes", "cold"), ("warm_idle_uss_bytes", "warm")):
        print(f"an idle plugin, started {which}, holds {results[key] / (1 << 20):.2f} MiB of its own (USS, median)")
    for call in ("open", "stat"):
        print(f"{call}() inside takes {results[f'{call}_ratio']:.2f} x (median of {ROUNDS}, alternated)")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
