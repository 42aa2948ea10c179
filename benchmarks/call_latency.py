"""A call of 64 bytes into a sandboxed plugin and back, against a raw socket between two Python processes.

Run it with the Python that has the product: ``python benchmarks/call_latency.py [--json FILE] [--rounds N]``.
Both sides are pinned to one processor, so that the figure is the work of both and not the wake-up of an idle core.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _timing import Result, as_json, report

from mobileops.manifest import parse
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import compile_policy
from mobileops.runtime.launching.launcher import Launched, Launcher

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 2000
PAYLOAD = b"x" * 64
MANIFEST = b"""{"name": "echo", "version": "1.0.0", "description": "Echo", "author": "Nobody", "license": "MIT",
 "type": "processing", "entry_point": "main.py"}"""
PLUGIN = """
from mobileops.plugin import ProcessingPlugin

class Echo(ProcessingPlugin):
    def process(self, data):
        return data
"""


def start(launcher: Launcher, folder: Path) -> Launched:
    """Start the echo plugin and read its "ready" note."""
    manifest = parse(MANIFEST)
    policy = compile_policy(manifest, app=folder / "store" / "echo", data=folder / "data" / "echo", uid=plugin_uid(0))
    launched = launcher.launch(policy, {"manifest": dict(manifest.document), "settings": {}})
    ready = BlockingChannel(launched.channel).receive()
    assert ready.body["state"] == "ready", ready
    return launched


def raw_round(peer: socket.socket) -> float:
    """Return the seconds of one raw exchange, the mean over CALLS."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        peer.sendall(PAYLOAD)
        peer.recv(256)
    return (time.perf_counter() - begin) / CALLS


def blocking_round(channel: BlockingChannel) -> float:
    """Return the seconds of one call through the blocking channel."""
    body = {"args": [PAYLOAD], "kwargs": {}}
    begin = time.perf_counter()
    for number in range(1, CALLS + 1):
        channel.request(Kind.CALL, "process", body, request_id=number)
    return (time.perf_counter() - begin) / CALLS


def pipelined_round(channel: BlockingChannel) -> float:
    """Return the seconds per call when 100 of them wait at a time."""
    body = {"args": [PAYLOAD], "kwargs": {}}
    begin = time.perf_counter()
    for start_at in range(0, CALLS, 100):
        for number in range(start_at, start_at + 100):
            channel.send(Frame(Kind.CALL, number, "process", body))
        for _ in range(100):
            channel.receive()
    return (time.perf_counter() - begin) / CALLS


async def _never(_frame: object) -> None:
    """Answer what the measured plugin does not ask."""


class Manager:
    """The plugin manager's end of a channel, in an event loop that stands between the rounds."""

    def __init__(self, launched: Launched) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(self._connect(launched))

    @staticmethod
    async def _connect(launched: Launched) -> Connection:
        return Connection(launched.channel, on_note=lambda _frame: None, on_ask=_never, on_closed=lambda _cause: None)

    def round(self) -> float:
        """Return the seconds of one call."""
        return self._runner.run(self._calls())

    async def _calls(self) -> float:
        body = {"args": [PAYLOAD], "kwargs": {}}
        begin = time.perf_counter()
        for _ in range(CALLS):
            await self._connection.request(Kind.CALL, "process", body, deadline_s=10)
        return (time.perf_counter() - begin) / CALLS

    def close(self) -> None:
        """Hang up."""
        self._runner.get_loop().call_soon(self._connection.close)
        self._runner.run(asyncio.sleep(0.01))
        self._runner.close()


def echo_process() -> tuple[int, socket.socket]:
    """Fork a process that returns what it gets."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        while data := theirs.recv(256):
            theirs.sendall(data)
        os._exit(0)
    theirs.close()
    return child, ours


def alternate(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all contenders in turn, after one round that only warms up."""
    times: dict[str, list[float]] = {key: [] for key in contenders}
    for turn in range(rounds + 1):
        for key, run in contenders.items():
            seconds = run()
            if turn:
                times[key].append(seconds)
    return times


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    child, peer = echo_process()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "store" / "echo").mkdir(parents=True)
        (folder / "data").mkdir()
        (folder / "store" / "echo" / "main.py").write_text(PLUGIN, encoding="utf-8")
        with Launcher(plugins=folder / "store", data=folder / "data") as launcher:
            first, second = start(launcher, folder), start(launcher, folder)
            channel, manager = BlockingChannel(first.channel), Manager(second)
            contenders: dict[str, Callable[[], float]] = {
                "call, blocking": lambda: blocking_round(channel),
                "call, plugin manager's loop": manager.round,
                "call, 100 pipelined": lambda: pipelined_round(channel),
                "raw socket": lambda: raw_round(peer),
            }
            times = alternate(contenders, arguments.rounds)
            manager.close()
            channel.close()
    peer.close()
    os.waitpid(child, 0)
    results = [Result(key, statistics.median(taken), min(taken), arguments.rounds) for key, taken in times.items()]
    title = "a call of 64 bytes"
    reports = [report(title, results, subject=key) for key in list(contenders)[:3]]
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
