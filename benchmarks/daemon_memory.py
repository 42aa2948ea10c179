"""What the plugin manager itself holds with 100 plugins running, beside what it holds with none."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from hot_reload import install

from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect_or_start, default_program

COUNT = 100


def memory_bytes(pid: int) -> dict[str, int]:
    """Return resident and unique memory of a process (proc_pid_smaps(5))."""
    found = {"rss": 0, "uss": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        if name == "Rss":
            found["rss"] = int(value.split()[0]) << 10
        elif name in {"Private_Clean", "Private_Dirty"}:
            found["uss"] += int(value.split()[0]) << 10
    return found


def measure(home: Home, count: int) -> dict[str, dict[str, int]]:
    """Start the plugins one after the other."""
    client = connect_or_start(home, program=default_program(home))
    try:
        pid = client.ask("ping")["pid"]
        results = {"idle": memory_bytes(pid)}
        for number in range(count):
            client.ask("start", name=f"p{number}")
            if number == 0:
                results["1 plugin"] = memory_bytes(pid)
        results[f"{count} plugins"] = memory_bytes(pid)
    finally:
        client.shut_down()
        client.close()
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        home = Home(base / "home").prepare()
        for number in range(options.count):
            install(home, base / "workshop", name=f"p{number}")
        results = measure(home, options.count)
    for what, memory in results.items():
        print(f"{what:>12}: RSS {memory['rss'] / (1 << 20):6.1f} MiB   USS {memory['uss'] / (1 << 20):6.1f} MiB")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
