"""Calls into a sandboxed plugin and back: 64 bytes one by one, 64 bytes 100 at a time, 4 MiB.

Run it with the Python that has the product: ``python benchmarks/call_latency.py [--json FILE] [--rounds N]``.
Everything is measured twice. With both sides on one processor a figure is the work of both, and no core has to wake up;
with each side on a processor of its own they work at the same time, as on a device. The column "cpu" is the processor
time of both sides (proc(5), schedstat), which says more on a busy machine.

Two floors for 64 bytes: a raw exchange between two Python processes, which has no frames, no values and no limits; and
the same with what any call needs, msgspec's encoder and decoder on both sides. For 4 MiB: the four copies that shared
memory needs between two processes, in and out and in and out. Peers that are installed take part (`_echo_peers`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import mmap
import os
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
from _sides import Contender, alternate, several
from _timing import as_json, report
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

    from _timing import Result

    from mobileops.runtime.launching.launched import Launched

CALLS = 2000
LARGE_CALLS = 10
PROCESSORS = os.sched_getaffinity(0)
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


def of_many(work: Callable[[], object], *servers: int) -> Contender:
    """Return one of `CALLS` calls that are under way together."""

    def measure() -> float:
        begin = time.perf_counter()
        work()
        return (time.perf_counter() - begin) / CALLS

    return Contender(measure, CALLS, servers)


def pipelined(channel: BlockingChannel) -> None:
    """Make `CALLS` calls, and send the next `PIPELINE` while as many wait for their answers."""
    body = {"args": [PAYLOAD], "kwargs": {}}
    sent = left = 0
    while left or sent < CALLS:
        if sent < CALLS:
            channel.send_wire(b"".join([encode(Frame(CALL, number, "process", body)) for number in range(PIPELINE)]))
            sent, left = sent + PIPELINE, left + PIPELINE
        while left > (PIPELINE if sent < CALLS else 0):
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
    """Print the tables and return them."""
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
            f"call, {PIPELINE} pipelined": of_many(lambda: pipelined(channel), first.pid),
            f"raw socket, {PIPELINE} pipelined": of_many(lambda: raw_pipelined(raw, CALLS), *raws),
        }
        bulk = {
            "4 MiB, plugin manager's loop": Contender(
                lambda: manager.measure(LARGE, LARGE_CALLS), LARGE_CALLS, (second.pid,)
            ),
            "four copies in shared memory": several(lambda: four_copies(shared, copying), LARGE_CALLS, *copyings),
            "4 MiB in frames": several(lambda: in_frames.request(CALL, "process", large), LARGE_CALLS, *frameds),
            **{name: several(lambda call=call: call(LARGE), 2, pid) for name, (call, pid) in peers.items()},
        }
        tables = compared(small, many, bulk, rounds=rounds)
        manager.close()
        channel.close()
    return tables


def compared(
    small: dict[str, Contender], many: dict[str, Contender], bulk: dict[str, Contender], *, rounds: int
) -> list[Any]:
    """Print the tables of every placement and return them."""
    tables = []
    here, *others = sorted(PROCESSORS)
    for processor, where in ((here, "both sides on one processor"), *((other, "on two") for other in others[:1])):
        turns = partial(alternate, rounds=rounds, processor=processor)
        tables += _tables(f"a call of 64 bytes, {where}", turns(small), list(small)[:3])
        each = turns(many)
        tables += _tables(f"a call of 64 bytes among many, {where}", each, list(many)[:1])
        print(f"  {1 / each[0].median_s:,.0f} calls per second, {1 / each[0].cpu_s:,.0f} by processor time")
        tables += _tables(f"a call of 4 MiB and back, {where}", turns(bulk), list(bulk)[:1])
    return tables


def _tables(title: str, results: list[Result], subjects: list[str]) -> list[Any]:
    return [report(title, results, subject=subject) for subject in subjects]


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(PROCESSORS)})
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
