"""An event to 100 sandboxed plugins, and to 100 of which one does not read.

The publisher is the operator, as with ``mobileops event emit``. Each subscriber notes when it got the event
(CLOCK_MONOTONIC is the same in every process). Beside it a floor: one process that writes the same frame to 100
sockets, each read by a forked process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hot_reload import install

from mobileops.runtime.channel.rpc import Frame, Kind, encode
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect_or_start, default_program

if TYPE_CHECKING:
    from mobileops.runtime.manager.client import Client

COUNT = 100
ROUNDS = 20
PATIENCE_S = 20.0
FLOOD = 400
"""How many events of `LARGE_BYTES` the one that does not read is sent: more than may wait for it."""

LARGE_BYTES = 32 << 10
SEEN = struct.Struct("d")
SUBSCRIBER = """\
import time
from mobileops.plugin import ServicePlugin, plugin_method

class Subscriber(ServicePlugin):
    seen = 0.0
    count = 0

    def initialize(self):
        self.subscribe("bench.*", self.on_event)
        return True

    def on_event(self, event):
        self.seen, self.count = time.monotonic(), self.count + 1

    @plugin_method
    def report(self):
        return [self.seen, self.count]
"""


def report(client: Client, name: str, *, after: int) -> tuple[float, int]:
    """Return when a subscriber got its last event, and how many it got; wait a while for so many."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        seen, count = client.ask("call", name=name, method="report")
        if count >= after or time.monotonic() > deadline:
            return seen, count
        time.sleep(0.001)


def emitted(client: Client, names: list[str], *, number: int) -> list[float]:
    """Emit one event; return after how many seconds each subscriber had it."""
    begin = time.monotonic()
    client.ask("emit", topic="bench.tick", event={"number": number})
    time.sleep(0.2)  # their work, not that of whoever asks them
    return [report(client, name, after=number)[0] - begin for name in names]


def floor(count: int, rounds: int) -> list[float]:
    """Return the seconds until the last of so many processes has read a frame that was written to each of them."""
    wire = encode(Frame(Kind.DELIVER, 0, "event", {"topic": "bench.tick", "event": {"number": 1}}))
    told, tell = os.pipe()
    ends, children = [], []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            for end in ends:
                end.close()
            while theirs.recv(1 << 16):
                os.write(tell, SEEN.pack(time.monotonic()))
            os._exit(0)
        theirs.close()
        ends.append(ours)
        children.append(child)
    last = []
    for _ in range(rounds):
        begin = time.monotonic()
        for end in ends:
            end.sendall(wire)
        seen = [SEEN.unpack(os.read(told, SEEN.size))[0] for _ in range(count)]
        last.append(max(seen) - begin)
    for end in ends:
        end.close()
    for child in children:
        os.waitpid(child, 0)
    return last


def with_one_stopped(client: Client, names: list[str], *, after: int) -> dict[str, float]:
    """Flood all while one process is stopped (SIGSTOP).

    Returns:
        Seconds for each event until it was emitted, and until the last of the others had it; and how many of them
        the others have missed.
    """
    sleeper, *others = names
    pid = client.ask("status", names=[sleeper])[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        for _ in range(FLOOD):
            client.ask("emit", topic="bench.tick", event={"data": "x" * LARGE_BYTES})
        emitted_s = time.monotonic() - begin
        found = [report(client, name, after=after + FLOOD) for name in others]
    finally:
        os.kill(pid, signal.SIGCONT)
    return {
        "emit_s": emitted_s / FLOOD,
        "others_s": (max(seen for seen, _count in found) - begin) / FLOOD,
        "missed": sum(after + FLOOD - count for _seen, count in found),
    }


def measure(home: Home, names: list[str], rounds: int) -> dict[str, float]:
    """Start the subscribers, and send them events."""
    client = connect_or_start(home, program=default_program(home))
    try:
        for one in names:
            client.ask("start", name=one)
        taken = [emitted(client, names, number=number) for number in range(1, rounds + 1)]
        stopped = with_one_stopped(client, names, after=rounds)
    finally:
        client.shut_down()
        client.close()
    log = (home.logs / f"{names[0]}.jsonl").read_text(encoding="utf-8").splitlines()
    return {
        "first_s": statistics.median(min(seen) for seen in taken),
        "last_s": statistics.median(max(seen) for seen in taken),
        **stopped,
        "warnings_of_the_stopped_one": sum("come faster" in line for line in log),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        home = Home(base / "home").prepare()
        names = [f"p{number}" for number in range(options.count)]
        for one in names:
            install(home, base / "workshop", name=one, code=SUBSCRIBER, permissions=["events.subscribe:bench.*"])
        found = measure(home, names, options.rounds)
    found["floor_s"] = statistics.median(floor(options.count, options.rounds))
    print(f"an event to {options.count} sandboxed plugins (median of {options.rounds})")
    print(f"  first has it after {found['first_s'] * 1e3:8.2f} ms, last after {found['last_s'] * 1e3:8.2f} ms")
    ratio = found["last_s"] / found["floor_s"]
    print(f"  floor, last of as many processes {found['floor_s'] * 1e3:8.2f} ms: {ratio:.2f} x")
    print(f"{FLOOD} events of {LARGE_BYTES >> 10} KiB while one of them is stopped, for each event")
    print(f"  emitted in {found['emit_s'] * 1e3:.2f} ms, with all others after {found['others_s'] * 1e3:.2f} ms")
    print(f"  missed by the others: {found['missed']}; the log of the stopped one says so")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
