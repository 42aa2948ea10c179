"""Hostile frames out of a real sandboxed process, to a real plugin manager: the kill, its code, what it costs whom.

The forms themselves are in `test_hostile_frames` and `test_arena`; here they come from where an attacker is.
"""

from __future__ import annotations

import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from mobileops.errors import MobileOpsError
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import Client, connect
from mobileops.runtime.store import Store
from tests.fakes.manager_process import manager_process
from tests.fakes.plugin_folder import ECHO
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_MEMORY_BYTES: Final = 96 << 20
"""What all attacks together may add to the plugin manager's peak."""

HOSTILE: Final = """
    import mmap, os, pickle, struct, threading
    import msgspec
    from mobileops.plugin import ProcessingPlugin, plugin_method
    from mobileops.plugin.host import current
    from mobileops.runtime.channel.arena import Arena

    HALF, LARGE = 8 << 20, 64 << 10
    RESULT, ERROR, NOTE, ASK, ITEM, END, TAKEN, ROOM = 3, 4, 5, 6, 9, 10, 12, 13
    VALUES = (1 << 17) + 1
    WIDE = b"\\xdd" + struct.pack(">I", VALUES) + b"\\x90" * VALUES

    def wire(payload):
        return struct.pack("<I", len(payload)) + payload

    def frame(kind, number, body=None, *place, method="log"):
        return wire(msgspec.msgpack.encode([kind, number, method, body, *([place] if place else [])]))

    def raw(kind, number, body):
        return wire(b"\\x94" + b"".join(map(msgspec.msgpack.encode, (kind, number, "log"))) + body)

    class Hostile(ProcessingPlugin):
        def send(self, data):
            while data:
                data = data[os.write(3, data):]

        @property
        def arena(self):
            return mmap.mmap(5, 2 * HALF)

        @plugin_method
        def attack(self, name):
            own = current().running
            list_at_0 = b"\\xdd" + struct.pack(">I", LARGE - 5) + b"\\xc0" * (LARGE - 5)
            if name.startswith("arena"):
                self.arena[HALF:HALF + LARGE] = list_at_0
            self.send({
                "length: all ones": lambda: b"\\xff\\xff\\xff\\xff",
                "length: one more than the limit": lambda: struct.pack("<I", (64 << 20) + 1),
                "frame: empty": lambda: wire(b""),
                "frame: pickle": lambda: wire(pickle.dumps("x", protocol=4)),
                "frame: trailing byte": lambda: wire(b"\\x94\\x05\\x00\\xa0\\xc0\\xc0"),
                "result: too deep": lambda: raw(RESULT, own, b"\\x91" * 100_000 + b"\\xc0"),
                "result: an array that lies": lambda: raw(RESULT, own, b"\\xdd\\xff\\xff\\xff\\xff\\xc0"),
                "id: nobody waits": lambda: frame(RESULT, own + 1),
                "id: answered twice": lambda: frame(RESULT, own, 1) * 2,
                "kind: CALL": lambda: frame(0, 1),
                "kind: DELIVER": lambda: frame(7, 0),
                "note: too many values": lambda: raw(NOTE, 0, WIDE),
                "note: too many bytes": lambda: frame(NOTE, 0, b"x" * ((1 << 20) + 1)),
                "ask: a flood": lambda: frame(ASK, 1, {}, method="w") * 257,
                "ask: too deep": lambda: raw(ASK, 1, b"\\x91" * 100_000 + b"\\xc0"),
                "stream: a value for a call": lambda: frame(ITEM, own, 1),
                "arena: beyond the half": lambda: frame(RESULT, own, None, HALF - LARGE + 1, LARGE),
                "arena: the manager's half": lambda: frame(RESULT, own, None, -HALF, LARGE),
                "arena: zero length": lambda: frame(NOTE, 0, None, 0, 0),
                "arena: huge length": lambda: frame(NOTE, 0, None, 0, 1 << 62),
                "arena: overlapping": lambda: b"".join(frame(NOTE, 0, None, at, LARGE) for at in (0, LARGE // 2)),
                "arena: a flood of one place": lambda: frame(NOTE, 0, None, 0, LARGE) * 3000,
                "arena: a flood of the whole half": lambda: frame(RESULT, own, None, 0, HALF) * 3000,
                "arena: nothing there": lambda: frame(ERROR, own, None, 4096, HALF - 4096),
                "arena: frees nothing": lambda: frame(TAKEN, 4096),
                "arena: room beyond the half": lambda: frame(ROOM, HALF * 2),
            }[name]())
            threading.Event().wait(30)  # the manager ends this process

        @plugin_method
        def scribble(self, times):
            memory, over, taken = self.arena, threading.Event(), threading.Semaphore(0)
            Arena.freed = lambda arena, offset: taken.release()  # what this sends is not in its own runtime's books
            good = b"\\xdd" + struct.pack(">I", LARGE - 5) + b"\\xc0" * (LARGE - 5)

            def write():
                while not over.is_set():
                    memory[HALF:HALF + 5] = b"\\xc6\\xff\\xff\\xff\\xff"
                    memory[HALF:HALF + LARGE] = good
            threading.Thread(target=write, daemon=True).start()
            for _ in range(times):
                self.send(frame(NOTE, 0, None, 0, LARGE))
                taken.acquire()
            over.set()
            return "unharmed"

        @plugin_method
        def shrink(self):
            for size in (0, 4 * HALF):
                try:
                    os.ftruncate(5, size)
                except PermissionError:
                    continue
                return f"{size} bytes"
            return "sealed"

        @plugin_method
        def stream(self):
            self.send(frame(ITEM, current().running, 1) * 17)
            yield 1
"""

CODES: Final = {
    "length: all ones": "MOP5001",
    "length: one more than the limit": "MOP5001",
    "frame: empty": "MOP5002",
    "frame: pickle": "MOP5002",
    "frame: trailing byte": "MOP5002",
    "result: too deep": "MOP5002",
    "result: an array that lies": "MOP5002",
    "id: nobody waits": "MOP5003",
    "id: answered twice": "MOP5003",
    "kind: CALL": "MOP5007",
    "kind: DELIVER": "MOP5007",
    "note: too many values": "MOP5020",
    "note: too many bytes": "MOP5020",
    "ask: a flood": "MOP5008",
    "ask: too deep": "MOP5002",
    "stream: a value for a call": "MOP5018",
    "arena: beyond the half": "MOP5022",
    "arena: the manager's half": "MOP5022",
    "arena: zero length": "MOP5022",
    "arena: huge length": "MOP5022",
    "arena: overlapping": "MOP5022",
    "arena: a flood of one place": "MOP5022",
    "arena: a flood of the whole half": "MOP5002",
    "arena: nothing there": "MOP5002",
    "arena: frees nothing": "MOP5023",
    "arena: room beyond the half": "MOP5023",
}


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """A home with a running plugin manager, the hostile plugin, and its neighbour."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        home = Home(base / "home").prepare()
        publisher = Publisher(home, base)
        for plugin, code in (("hostile", HOSTILE), ("neighbour", ECHO.replace("Service", "Processing"))):
            Store(home).install(publisher.publish(plugin, code=code, type="processing"), verify=publisher.decision())
        with manager_process(home) as manager:
            manager.client.ask("start", name="neighbour")
            yield home


@pytest.fixture
def client(home: Home) -> Iterator[Client]:
    client = connect(home)
    assert client is not None
    yield client
    client.close()


def peak_bytes(pid: int) -> int:
    """Return the most that a process ever had in memory (VmHWM, proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def state_of(client: Client, name: str) -> dict[str, Any]:
    [state] = client.ask("status", names=[name])
    return dict(state)


class Neighbourly(threading.Thread):
    """Calls the neighbour without a pause, over a connection of its own."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self.answered = 0
        self.failed: list[MobileOpsError] = []
        self._over = threading.Event()
        self._client = connect(home)

    def run(self) -> None:
        assert self._client is not None
        while not self._over.is_set() and not self.failed:
            try:
                assert self._client.ask("call", name="neighbour", method="echo", args=["x"]) == "x"
                self.answered += 1
            except MobileOpsError as error:
                self.failed.append(error)
        self._client.close()

    def stop(self) -> None:
        self._over.set()
        self.join(20)


def restart(client: Client) -> dict[str, Any]:
    """Have the hostile plugin run, whatever became of it before."""
    if state_of(client, "hostile")["state"] == "running":
        client.ask("stop", name="hostile")
    return dict(client.ask("start", name="hostile"))


def test_every_attack_ends_the_plugin_with_its_code_and_nobody_else(home: Home, client: Client) -> None:
    manager = client.ask("ping")["pid"]
    neighbour, before = state_of(client, "neighbour")["pid"], peak_bytes(manager)
    beside = Neighbourly(home)
    beside.start()
    found = {}
    try:
        for attack in CODES:
            restart(client)
            with suppress(MobileOpsError):  # of two answers, the first may be one
                client.ask("call", name="hostile", method="attack", args=[attack], deadline_s=20.0)
            state = client.ask("wait", name="hostile", state="failed", timeout_s=10.0)
            assert state["state"] == "failed", attack
            found[attack] = state["cause"].rpartition("[")[2].rstrip("]")
    finally:
        beside.stop()
    assert found == CODES
    assert beside.failed == []
    assert beside.answered > len(CODES)
    assert state_of(client, "neighbour")["pid"] == neighbour
    assert client.ask("ping")["pid"] == manager
    assert peak_bytes(manager) - before < MOST_MEMORY_BYTES


def test_a_stream_without_credit_ends_the_plugin(client: Client) -> None:
    restart(client)
    with pytest.raises(MobileOpsError):
        list(client.answers("call", name="hostile", method="stream"))
    state = client.ask("wait", name="hostile", state="failed", timeout_s=10.0)
    assert "[MOP5019]" in state["cause"]


def test_a_plugin_that_writes_while_it_is_read_harms_nobody(client: Client) -> None:
    manager = client.ask("ping")["pid"]
    restart(client)
    with suppress(MobileOpsError):
        client.ask("call", name="hostile", method="scribble", args=[200], deadline_s=20.0)
    state = state_of(client, "hostile")
    if state["state"] != "running":
        assert "[MOP5002]" in state["cause"]
    assert client.ask("ping")["pid"] == manager
    assert client.ask("call", name="neighbour", method="echo", args=["x"]) == "x"


def test_a_plugin_cannot_change_the_size_of_what_the_manager_has_mapped(client: Client) -> None:
    restart(client)
    assert client.ask("call", name="hostile", method="shrink") == "sealed"


def test_the_control_is_served(client: Client) -> None:
    """What is refused above is refused for what it is, not because large or many things do not work."""
    large = "x" * (4 << 20)
    for _ in range(3):
        assert client.ask("call", name="neighbour", method="echo", args=[large]) == large
