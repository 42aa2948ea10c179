"""Start of a fully sandboxed plugin process, from the request to its first message, against a bare interpreter.

The floor is ``python -I -S -c pass``: what starting any Python program costs without a sandbox and without imports. The
plugin's process has msgpack, logging, threading and the SDK imported, since the zygote it is forked from has.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _timing import Contender, as_json, measure, report

from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching.launcher import Launcher

if TYPE_CHECKING:
    from mobileops.runtime.launching.launched import Launched

ROUNDS = 40
SUBJECT = "sandboxed plugin, cold"
WARM = "sandboxed plugin, warm"
#: Longer than the zygote waits before it makes a spare, and than a spare takes.
SPARE_READY_S = 0.15
PLUGIN = """
def main(channel, assignment):
    channel.sendall(b"ready")
    channel.recv(1)
"""


class PluginStart:
    """Starts one plugin process after another; the one before is ended outside the measured time."""

    def __init__(self, launcher: Launcher, policy: SandboxPolicy) -> None:
        self._launcher = launcher
        self._policy = policy
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
        self._launched.channel.close()
        select.select([self._launched.pidfd], [], [])
        os.close(self._launched.pidfd)
        os.close(self._launched.output)
        self._launcher.read_exits()
        self._launched = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        app = base / "plugins" / "bench"
        app.mkdir(parents=True)
        (app / "bench.py").write_text(PLUGIN)
        limits = Limits(memory_bytes=256 << 20, processes=32, open_files=256, file_size_bytes=64 << 20)
        policy = SandboxPolicy("bench", str(app), str(base / "data" / "bench"), plugin_uid(0), limits)
        with Launcher(plugins=base / "plugins", data=base / "data") as launcher:
            plugin = PluginStart(launcher, policy)
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
