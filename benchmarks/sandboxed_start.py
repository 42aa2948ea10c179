"""Start of a fully sandboxed plugin process, from the request to its first message, against a bare interpreter.

The floor is ``python -I -S -c pass``: what starting any Python program costs without a sandbox and without imports. The
plugin's process has msgpack, logging, threading and the SDK imported, since the zygote it is forked from has.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _sandbox import SPARE_READY_S, Sandbox, end, sandbox
from _timing import Contender, as_json, measure, report

if TYPE_CHECKING:
    from mobileops.runtime.launching.launched import Launched

ROUNDS = 40
SUBJECT = "sandboxed plugin, cold"
WARM = "sandboxed plugin, warm"
PLUGIN = """
def main(channel, assignment):
    channel.sendall(b"ready")
    channel.recv(1)
"""


class PluginStart:
    """Starts one plugin process after another; the one before is ended outside the measured time."""

    def __init__(self, where: Sandbox) -> None:
        self._launcher = where.launcher
        self._policy = where.policy()
        self._launched: Launched | None = None

    def start(self) -> None:
        """Launch, and wait for the plugin's first message."""
        self._launched = self._launcher.launch(self._policy, {"name": "bench"}, entry="bench:main")
        assert self._launched.channel.recv(16) == b"ready"

    def end_and_wait_for_a_spare(self) -> None:
        """End the last process; then let the zygote make a spare, outside the measured time."""
        self.end()
        time.sleep(SPARE_READY_S)

    def end_and_use_the_spare(self) -> None:
        """End the last process; then take the spare away, so that the next start has none."""
        self.end_and_wait_for_a_spare()
        self.start()
        self.end()

    def end(self) -> None:
        """End the process that was started last and wait until it is gone."""
        if self._launched is None:
            return
        end(self._launched)
        self._launcher.read_exits()
        self._launched = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with sandbox({"bench.py": PLUGIN}) as where:
        plugin = PluginStart(where)
        python = os.path.realpath(sys.executable)
        results = measure(
            [
                Contender("python -I -S -c pass", command=[python, "-I", "-S", "-c", "pass"]),
                Contender(SUBJECT, call=plugin.start, prepare=plugin.end_and_use_the_spare),
                Contender(WARM, call=plugin.start, prepare=plugin.end_and_wait_for_a_spare),
            ],
            rounds=options.rounds,
        )
        plugin.end()
    summaries = [report("start of a plugin process", results, subject=subject) for subject in (SUBJECT, WARM)]
    if options.json:
        options.json.write_text(as_json(summaries))


if __name__ == "__main__":
    main()
