"""Calls into a sandboxed plugin and back: 64 bytes one by one, 64 bytes 100 at a time, 4 MiB.

Run it with the Python that has the product: ``python benchmarks/call_latency.py [--json FILE] [--rounds N]``.
All processes are pinned to one processor: a figure is the work of both sides and not the wake-up of an idle core. The
column "cpu" is the processor time of both sides (proc(5), schedstat), which says more on a busy machine.

Two floors for 64 bytes: a raw exchange between two Python processes, which has no frames, no values and no limits; and
the same with what any call needs, msgspec's encoder and decoder on both sides. For 4 MiB: the four copies that shared
memory needs between two processes, in and out and in and out. Peers that are installed take part (`_echo_peers`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import mmap
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _echo_peers import MODULES, absent, calling
from _floors import (
    LARGE,
    PAYLOAD,
    PIPELINE,
    copying_echo,
    forked,
    four_copies,
    framed_echo,
    msgspec_echo,
    msgspec_exchange,
    raw_echo,
    raw_pipelined,
)
from _timing import Result, as_json, report
from hot_reload import install

from mobileops.manifest import parse
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.channel.rpc import CALL, Call, Frame, encode
from mobileops.runtime.home import Home
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import compile_policy
from mobileops.runtime.launching.launcher import Launcher
from mobileops.runtime.manager.client import Client, connect_or_start, default_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mobileops.runtime.launching.launched import Launched

CALLS = 1000
LARGE_CALLS = 10
MANIFEST = b"""{"name": "echo", "version": "1.0.0", "description": "Echo", "author": "Nobody", "license": "MIT",
 "type": "processing", "entry_point": "main.py"}"""
PLUGIN = """
from mobileops.plugin import ProcessingPlugin

class Echo(ProcessingPlugin):
    def process(self, data):
        return data
"""
SERVICE = """
from mobileops.plugin import ServicePlugin, plugin_method

class Echo(ServicePlugin):
    @plugin_method
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


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to call.

    Attributes:
        run: returns the seconds of one call, the mean over several.
        calls: how many.
        servers: pids of the other processes that work for it.
    """

    run: Callable[[], float]
    calls: int
    servers: tuple[int, ...] = ()

    def spent_s(self) -> float:
        """Return the processor time that both sides have had."""
        tasks = [task for pid in self.servers for task in Path(f"/proc/{pid}/task").iterdir()]
        return time.process_time() + sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def several(call: Callable[[], object], times: int, *servers: int) -> Contender:
    """Return what makes a call several times."""

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - begin) / times

    return Contender(measure, times, servers)


def pipelined(channel: BlockingChannel) -> None:
    """Have `PIPELINE` calls wait at a time."""
    body = {"args": [PAYLOAD], "kwargs": {}}
    channel.send_wire(b"".join([encode(Frame(CALL, number, "process", body)) for number in range(PIPELINE)]))
    left = PIPELINE
    while left:
        left -= len(channel.receive_all())


async def _never(_frame: object) -> None:
    """Answer what the measured plugin does not ask."""


class Manager:
    """The plugin manager's end of a channel, in an event loop that stands between the rounds."""

    def __init__(self, launched: Launched) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(self._connect(launched))

    @staticmethod
    async def _connect(launched: Launched) -> Connection:
        return Connection(
            launched.channel,
            on_note=lambda _frame: None,
            on_ask=_never,
            on_closed=lambda _cause: None,
            arena=launched.arena,
        )

    def measure(self, payload: bytes, times: int) -> float:
        """Return the seconds of one call."""
        return self._runner.run(self._calls(payload, times))

    async def _calls(self, payload: bytes, times: int) -> float:
        body = Call([payload], {})
        begin = time.perf_counter()
        for _ in range(times):
            await self._connection.request(CALL, "process", body, deadline_s=10)
        return (time.perf_counter() - begin) / times

    def close(self) -> None:
        """Hang up."""
        self._runner.get_loop().call_soon(self._connection.close)
        self._runner.run(asyncio.sleep(0.01))
        self._runner.close()


def alternate(contenders: dict[str, Contender], rounds: int) -> list[Result]:
    """Run all contenders in turn, after one round that only warms up."""
    times: dict[str, list[tuple[float, float]]] = {key: [] for key in contenders}
    for turn in range(rounds + 1):
        for key, one in contenders.items():
            before = one.spent_s()
            seconds = one.run()
            if turn:
                times[key].append((seconds, (one.spent_s() - before) / one.calls))
    return [
        Result(
            key,
            statistics.median(wall for wall, _cpu in taken),
            min(wall for wall, _cpu in taken),
            rounds,
            statistics.median(cpu for _wall, cpu in taken),
        )
        for key, taken in times.items()
    ]


@contextlib.contextmanager
def managed(folder: Path) -> Iterator[Client]:
    """A plugin manager in a process of its own, with the echo plugin running."""
    home = Home(folder / "home").prepare()
    install(home, folder / "workshop", name="echo", code=SERVICE)
    client = connect_or_start(home, program=default_program(home))
    try:
        client.ask("start", name="echo")
        yield client
    finally:
        client.shut_down()
        client.close()


def measure(folder: Path, rounds: int) -> list[Any]:
    """Print the three tables and return them."""
    (folder / "store" / "echo").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "store" / "echo" / "main.py").write_text(PLUGIN, encoding="utf-8")
    with contextlib.ExitStack() as stack:
        shared = mmap.mmap(-1, 2 * len(LARGE))
        (raw, *raws), (coded, *codeds), (framed, *frameds), (copying, *copyings) = (
            stack.enter_context(forked(one))
            for one in (raw_echo, msgspec_echo, framed_echo, partial(copying_echo, shared))
        )
        peers = {name: stack.enter_context(calling(name, folder)) for name in MODULES if name not in absent()}
        client = stack.enter_context(managed(folder))
        way = (client.ask("ping")["pid"], client.ask("status", names=["echo"])[0]["pid"])
        launcher = stack.enter_context(Launcher(plugins=folder / "store", data=folder / "data"))
        first, second = start(launcher, folder), start(launcher, folder)
        channel, manager = BlockingChannel(first.channel), Manager(second)
        body, large = {"args": [PAYLOAD], "kwargs": {}}, {"args": [LARGE], "kwargs": {}}
        in_frames = BlockingChannel(framed)
        small = {
            "call, blocking": several(lambda: channel.request(CALL, "process", body), CALLS, first.pid),
            "call, plugin manager's loop": Contender(lambda: manager.measure(PAYLOAD, CALLS), CALLS, (second.pid,)),
            "call, client to manager to plugin": several(
                lambda: client.ask("call", name="echo", method="process", args=[PAYLOAD]), CALLS, *way
            ),
            "raw socket": several(lambda: (raw.sendall(PAYLOAD), raw.recv(4096)), CALLS, *raws),
            "socket and msgspec": several(lambda: msgspec_exchange(coded), CALLS, *codeds),
            **{name: several(lambda call=call: call(PAYLOAD), CALLS // 4, pid) for name, (call, pid) in peers.items()},
        }
        many = {
            f"call, {PIPELINE} pipelined": several(lambda: pipelined(channel), CALLS // PIPELINE, first.pid),
            f"raw socket, {PIPELINE} pipelined": several(lambda: raw_pipelined(raw), CALLS // PIPELINE, *raws),
        }
        bulk = {
            "4 MiB, plugin manager's loop": Contender(
                lambda: manager.measure(LARGE, LARGE_CALLS), LARGE_CALLS, (second.pid,)
            ),
            "four copies in shared memory": several(lambda: four_copies(shared, copying), LARGE_CALLS, *copyings),
            "4 MiB in frames": several(lambda: in_frames.request(CALL, "process", large), LARGE_CALLS, *frameds),
            **{name: several(lambda call=call: call(LARGE), 2, pid) for name, (call, pid) in peers.items()},
        }
        tables = [_table("a call of 64 bytes", alternate(small, rounds), list(small)[:3])]
        each = [
            dataclasses.replace(
                one, median_s=one.median_s / PIPELINE, best_s=one.best_s / PIPELINE, cpu_s=one.cpu_s / PIPELINE
            )
            for one in alternate(many, rounds)
        ]
        tables.append(_table("a call of 64 bytes among many", each, list(many)[:1]))
        print(f"  {1 / each[0].median_s:,.0f} calls per second on one processor, {1 / each[0].cpu_s:,.0f} by its cpu")
        tables.append(_table("a call of 4 MiB and back", alternate(bulk, rounds), list(bulk)[:1]))
        manager.close()
        channel.close()
    return [one for table in tables for one in table]


def _table(title: str, results: list[Result], subjects: list[str]) -> list[Any]:
    return [report(title, results, subject=subject) for subject in subjects]


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        reports = measure(folder, arguments.rounds)
    if absent():
        print(f"\nnot installed, and so not measured: {', '.join(absent())}")
    if arguments.json:
        arguments.json.write_text(as_json(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
