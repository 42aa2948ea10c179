"""What operators wait for: list and status of 100 plugins, a search over 1 GB of logs, a monitor beside 100 plugins.

Peers: the bare interpreter, ``grep -i`` over the same files, and the plugin manager itself when nobody looks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _timing import Contender, as_json, measure, report
from hot_reload import install

from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect_or_start, default_program

MAIN = "from mobileops.cli.main import main; raise SystemExit(main())"
COUNT = 100
PLUGINS = 64
FILE_BYTES = 8 << 20
TEXT = "client 77 in 3"


def verb(*words: str) -> list[str]:
    """Return the command for a verb, run by the same interpreter as the floor, in isolated mode as well."""
    return [sys.executable, "-I", "-c", MAIN, *words]


def write_logs(home: Home) -> int:
    """Fill the logs of many plugins up to their limit; return the bytes."""
    line = (
        b'{"time":"2026-11-22T20:%02d:%02d.%03dZ","plugin":"NAME","level":"INFO","source":"plugin",'
        b'"message":"Handled request %d for client %d in %d ms","fields":{"path":"/api/v1/items","status":200}}\n'
    )
    lines, size, number = [], 0, 0
    while size < FILE_BYTES:
        one = line % (number // 60000 % 60, number // 1000 % 60, number % 1000, number, number * 7 % 1000, number % 90)
        lines.append(one)
        size += len(one)
        number += 1
    content = b"".join(lines)
    for index in range(PLUGINS):
        named = content.replace(b"NAME", b"p%02d_" % index)
        for suffix in (".jsonl.1", ".jsonl"):
            (home.logs / f"p{index:02d}{suffix}").write_bytes(named)
    return sum(path.stat().st_size for path in home.logs.iterdir())


def search(home: Home, rounds: int) -> list[dict[str, object]]:
    """Search 1 GB of logs."""
    size = write_logs(home)
    files = sorted(map(str, home.logs.iterdir()))
    reports = []
    for text in (TEXT, "connection refused"):
        subject = f"logs search {text!r}"
        results = measure(
            [
                Contender(subject, verb("logs", "search", text, "-n", "0", "--json")),
                Contender("grep -i", ["sh", "-c", 'grep -ih -- "$0" "$@" | cat', text, *files]),
            ],
            rounds=rounds,
        )
        reports.append(dict(report(f"{subject} in {size / 1e9:.2f} GB", results, subject=subject)))
    return reports


def fill(home: Home, workshop: Path, count: int) -> None:
    """Install a plugin, and give its receipt and its files further names: what is listed, not what is trusted."""
    install(home, workshop, name="p000")
    for number in range(1, count):
        name = f"p{number:03d}"
        shutil.copytree(home.store / "p000", home.store / name)
        current = home.store / name / "current.json"
        current.write_text(current.read_text().replace('"p000"', f'"{name}"'))


def beginning(rounds: int, how: str) -> list[dict[str, object]]:
    """Time list and status, whole processes, against the bare interpreter."""
    floor = Contender("python -I -c pass", [sys.executable, "-I", "-c", "pass"])
    reports = []
    for words in (("list",), ("status",), ("list", "--json"), ("status", "--json")):
        subject = f"mobileops {' '.join(words)}"
        results = measure([Contender(subject, verb(*words)), floor], rounds=rounds)
        reports.append(dict(report(f"'{subject}' with {COUNT} plugins, {how}", results, subject=subject)))
    return reports


def processor_s(pid: int) -> float:
    """Return the processor time of a process (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def monitor(home: Home, seconds: float, rounds: int) -> list[dict[str, object]]:
    """Take the processor time that a monitor costs: its own, and what the plugin manager uses more beside it."""
    client = connect_or_start(home, program=default_program(home))
    shares: dict[str, list[float]] = {"idle": [], "watched": [], "monitor": []}
    try:
        manager = client.ask("ping")["pid"]
        for number in range(COUNT):
            client.ask("start", name=f"p{number:03d}")
        reports = beginning(rounds + 2, "all of them running")
        for _ in range(rounds):
            begin = processor_s(manager)
            time.sleep(seconds)
            shares["idle"].append((processor_s(manager) - begin) / seconds)
            with subprocess.Popen(verb("monitor"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watching:
                time.sleep(3)
                begin, own = processor_s(manager), processor_s(watching.pid)
                time.sleep(seconds)
                shares["watched"].append((processor_s(manager) - begin) / seconds)
                shares["monitor"].append((processor_s(watching.pid) - own) / seconds)
                watching.terminate()
    finally:
        client.shut_down()
        client.close()
    idle, watched, own_share = (100 * statistics.median(shares[key]) for key in ("idle", "watched", "monitor"))
    print(f"\nmonitor of {COUNT} running plugins at 1 Hz, in percent of one core (median of {rounds} x {seconds:g} s)")
    print(f"  the plugin manager, nobody looks  {idle:6.2f} %")
    print(f"  the plugin manager beside it      {watched:6.2f} %")
    print(f"  the monitor                       {own_share:6.2f} %")
    print(f"  what it costs                     {watched - idle + own_share:6.2f} %")
    return [*reports, {"title": "monitor", "percent": {"idle": idle, "watched": watched, "monitor": own_share}}]


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement of the monitor")
    parser.add_argument("parts", nargs="*", default=["start", "monitor", "search"])
    arguments = parser.parse_args()
    reports: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        if "start" in arguments.parts:
            os.environ["MOBILEOPS_HOME"] = f"{name}/many"
            fill(Home(base / "many").prepare(), base / "workshop", COUNT)
            reports += beginning(arguments.rounds, "no plugin manager")
        if "monitor" in arguments.parts:
            os.environ["MOBILEOPS_HOME"] = f"{name}/running"
            home = Home(base / "running").prepare()
            for number in range(COUNT):
                install(home, base / "running-workshop", name=f"p{number:03d}")
            reports += monitor(home, arguments.seconds, min(3, arguments.rounds))
        if "search" in arguments.parts:
            os.environ["MOBILEOPS_HOME"] = f"{name}/logs"
            reports += search(Home(base / "logs").prepare(), arguments.rounds)
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
