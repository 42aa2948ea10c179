"""Whose the memory of large bodies is, asked of the kernel: a real sandboxed plugin and a real plugin manager."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from mobileops.runtime.channel.arena import HALF_BYTES
from mobileops.runtime.home import Home
from mobileops.runtime.instances import consumption
from mobileops.runtime.store import Store
from tests.fakes.manager_process import manager_process
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.manager.client import Client

BODY_BYTES: Final = 3 << 20
ROUNDING_BYTES: Final = 1 << 20
"""What else comes and goes in a process's memory, and what the kernel has counted but not yet summed up."""

CODE: Final = """
    import os, struct
    import msgspec
    from mobileops.plugin import ProcessingPlugin, plugin_method

    class Payer(ProcessingPlugin):
        @plugin_method
        def echo(self, value):
            return value

        @plugin_method
        def claim(self, size):  # offers the manager's half of the arena (ROOM) without having touched it
            frame = msgspec.msgpack.encode([13, size, "log", None])
            os.write(3, struct.pack("<I", len(frame)) + frame)
"""


class Memory(NamedTuple):
    """What was given to an arena, and what the plugin pays for, in bytes.

    Attributes:
        arena: pages that the arena has, whoever touched them.
        charged: shared memory in the account of the plugin's control group; None where it has none.
        measured: the plugin's proportional share, which counts where there is no control group.
    """

    arena: int
    charged: int | None
    measured: int


@pytest.fixture
def client() -> Iterator[Client]:
    """A connection to a plugin manager in which only the plugin runs."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        home = Home(base / "home").prepare()
        publisher = Publisher(home, base)
        bundle = publisher.publish("payer", code=CODE, type="processing")
        Store(home).install(bundle, verify=publisher.decision())
        with manager_process(home) as manager:
            manager.client.ask("start", name="payer")
            manager.client.ask("call", name="payer", method="echo", args=["small"])
            yield manager.client


def look(client: Client) -> Memory:
    """Ask the kernel."""
    manager = client.ask("ping")["pid"]
    [state] = client.ask("status", names=["payer"])
    descriptors = [path for path in Path(f"/proc/{manager}/fd").iterdir() if "memfd:arena" in str(path.readlink())]
    files = {path.stat().st_ino: path.stat().st_blocks * 512 for path in descriptors}
    return Memory(sum(files.values()), charged(state["pid"]), consumption.proportional(state["pid"]))


def charged(pid: int) -> int | None:
    """Return the shared memory that a process's own control group pays for (memory.stat, of either version)."""
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii").splitlines():
        _number, names, path = line.split(":", 2)
        place = {"memory": "/sys/fs/cgroup/memory", "": "/sys/fs/cgroup"}.get(names)
        statistics = Path(f"{place}{path}/memory.stat")
        if place is not None and "/plugin-payer-" in path and statistics.exists():
            values = dict(line.split() for line in statistics.read_text(encoding="ascii").splitlines())
            return int(values["shmem"])
    return None


def test_the_memory_of_large_bodies_is_the_plugins(client: Client) -> None:
    before = look(client)
    for _ in range(3):
        client.ask("call", name="payer", method="echo", args=["x" * BODY_BYTES])
    after = look(client)
    assert after.arena - before.arena >= 2 * BODY_BYTES  # one for each direction
    if before.charged is not None and after.charged is not None:
        assert after.charged - before.charged >= after.arena - before.arena - ROUNDING_BYTES
    assert after.measured - before.measured >= (after.arena - before.arena) // 2 - ROUNDING_BYTES


def test_what_a_plugin_has_not_paid_for_costs_the_manager_one_half_and_no_more(client: Client) -> None:
    client.ask("call", name="payer", method="claim", args=[HALF_BYTES])
    before = look(client)
    for _ in range(20):
        client.ask("call", name="payer", method="echo", args=["x" * BODY_BYTES])
    after = look(client)
    assert after.arena <= 2 * HALF_BYTES
    if before.charged is not None and after.charged is not None:
        unpaid = (after.arena - before.arena) - (after.charged - before.charged)
        assert BODY_BYTES - ROUNDING_BYTES <= unpaid <= HALF_BYTES + ROUNDING_BYTES
