"""What operators wait for: list and status of 100 plugins, a search over 1 GB of logs, a monitor beside 100 plugins.

Peers: the bare interpreter, ``grep -i`` over the same files, and the plugin manager itself when nobody looks.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from _timing import Contender, as_json, measure, report

from mobileops.runtime.home import Home

MAIN = "from mobileops.cli.main import main; raise SystemExit(main())"
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


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["MOBILEOPS_HOME"] = f"{name}/logs"
        reports += search(Home(Path(name) / "logs").prepare(), arguments.rounds)
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
