"""`mobileops.runtime.manager.daemon` and `.client`: the control socket."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import struct
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import HostFault, MobileOpsError, NotFoundError, UsageError
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.home import Home
from mobileops.runtime.manager import client as clients
from mobileops.runtime.manager import daemon as daemons
from mobileops.runtime.manager.client import Client, connect, connect_or_start
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import serving
from tests.fakes.manager_process import manager_process
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def connected(home: Home) -> Client:
    client = connect(home)
    assert client is not None
    return client


def test_no_plugin_manager_is_no_connection(home: Home, tmp_path: Path) -> None:
    assert connect(home) is None
    assert connect(Home(tmp_path / "no-home")) is None


def test_a_socket_file_of_a_dead_plugin_manager_is_no_connection(home: Home) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.run / "daemon.sock"))
    assert connect(home) is None


def test_the_socket_is_in_a_folder_for_this_account_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch):
        assert stat.S_IMODE(home.run.stat().st_mode) == 0o700
        client = connected(home)
        assert client.ask("ping") == {"pid": os.getpid(), "active": []}
        client.close()


def test_a_home_deeper_than_a_socket_address_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Home(tmp_path / ("d" * 100) / ("e" * 100)).prepare()
    with serving(deep, monkeypatch):
        client = connected(deep)
        assert client.ask("ping")["active"] == []
        client.close()


def test_another_account_is_not_served(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch):
        monkeypatch.setattr(daemons, "_same_account", lambda _connection: False)
        client = connected(home)
        with pytest.raises(HostFault):
            client.ask("ping")
        client.close()


class PeerOf:
    """A connection whose kernel says that the peer is a certain user."""

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def getsockopt(self, _level: int, _option: int, _size: int) -> bytes:
        return struct.pack("3i", 1, self._uid, self._uid)


def test_only_this_account_and_root_are_let_in() -> None:
    let_in = [uid for uid in (0, os.geteuid(), os.geteuid() + 4711) if daemons._same_account(PeerOf(uid))]  # type: ignore[arg-type]
    assert let_in == [0, os.geteuid()]


def test_the_kernel_says_who_the_peer_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert daemons._same_account(ours)


@pytest.mark.parametrize(
    ("verb", "body", "expected"), [("dance", {}, UsageError), ("start", {"name": "nobody"}, NotFoundError)]
)
def test_an_error_arrives_as_the_class_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch, verb: str, body: dict[str, Any], expected: type[MobileOpsError]
) -> None:
    with serving(home, monkeypatch):
        client = connected(home)
        with pytest.raises(expected):
            client.ask(verb, **body)
        client.close()


def test_a_broken_request_does_not_end_the_plugin_manager(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch):
        client = connected(home)
        with pytest.raises(HostFault, match="KeyError"):
            client.ask("start")
        assert client.ask("status", names=["x"])[0]["state"] == "stopped"
        client.close()


@pytest.mark.parametrize(
    "wire", [b"\xff\xff\xff\xff", b"\x01\x00\x00\x00\xc0", b""], ids=["huge", "garbage", "nothing"]
)
def test_a_client_that_talks_nonsense_is_dropped_and_others_are_served(
    home: Home, monkeypatch: pytest.MonkeyPatch, wire: bytes
) -> None:
    with serving(home, monkeypatch):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(str(home.run / "daemon.sock"))
            rude.sendall(wire)
            rude.shutdown(socket.SHUT_WR)
            assert rude.recv(1) == b""
        client = connected(home)
        assert client.ask("ping")["active"] == []
        client.close()


def test_a_frame_of_another_kind_is_a_usage_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(home.run / "daemon.sock"))
        channel = BlockingChannel(connection)
        channel.send(Frame(Kind.NOTE, 3, "ping", {}))
        assert channel.receive().body["code"] == "MOP5203"


def test_shutdown_stops_plugins_and_then_hangs_up(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(), verify=publisher.decision())
    with serving(home, monkeypatch) as thread:
        client = connected(home)
        assert client.ask("start", name="echo")["state"] == "running"
        assert client.ask("call", name="echo", method="echo", args=["x"]) == "x"
        assert client.ask("health", name="echo") is None
        assert client.ask("stop", name="echo")["state"] == "stopped"
        client.ask("start", name="echo")
        client.ask("shutdown")
        client.wait_closed()
        client.close()
        thread.join(10)
        assert not thread.is_alive()
        assert not (home.run / "daemon.sock").exists()


def test_a_stopped_plugin_manager_has_left_no_process(home: Home) -> None:
    with manager_process(home) as manager:
        manager.client.shut_down()
        assert manager.process.poll() == 0


def test_an_idle_plugin_manager_ends(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch, idle_exit_s=0.05) as thread:
        thread.join(10)
        assert not thread.is_alive()


def test_a_plugin_manager_whose_home_was_removed_ends_and_its_plugins_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(), verify=publisher.decision())
    with serving(home, monkeypatch) as thread:
        client = connected(home)
        client.ask("start", name="echo")
        shutil.rmtree(home.root)
        thread.join(10)
        client.close()
        assert not thread.is_alive()
        assert thread.launcher.running() == 0


def test_a_dead_zygote_is_replaced_at_the_next_start(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(), verify=publisher.decision())
    with serving(home, monkeypatch) as thread:
        client = connected(home)
        state = client.ask("start", name="echo")
        thread.launcher.alive = False
        os.kill(state["pid"], 9)
        while client.ask("status", names=["echo"])[0]["state"] != "failed":
            pass
        client.close()


def program(text: str) -> tuple[str, ...]:
    """Return a command that behaves like a plugin manager that starts badly."""
    return (sys.executable, "-c", f"import os, sys\n{text}")


def test_a_plugin_manager_that_cannot_start_is_quoted(home: Home) -> None:
    with pytest.raises(HostFault) as caught:
        connect_or_start(home, program=program("os.write(int(sys.argv[-1]), b'no disk')"))
    assert (caught.value.code, caught.value.why) == ("MOP5202", "no disk")


def test_a_plugin_manager_that_says_nothing_is_waited_for_in_vain(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "START_TIMEOUT_S", 0.3)
    with pytest.raises(HostFault) as caught:
        connect_or_start(home, program=program("pass"))
    assert caught.value.why == "no answer"


def test_a_running_plugin_manager_is_used(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch):
        client = connect_or_start(home, program=("/no/such/program",))
        assert client.ask("ping")["pid"] == os.getpid()
        client.close()


def test_a_second_plugin_manager_for_one_home_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda _mask: 0)
    monkeypatch.setattr(os, "chdir", lambda _folder: None)
    with daemons.durable.locked(home.run / "daemon.lock"), pytest.raises(HostFault) as caught:
        daemons.run(home, ready=lambda: None)
    assert caught.value.code == "MOP5201"


def test_run_serves_until_idle(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", lambda _mask: 0)
    monkeypatch.setattr(os, "chdir", lambda _folder: None)
    words: list[str] = []
    daemons.run(home, ready=lambda: words.append("ready"), idle_exit_s=0.01)
    assert words == ["ready"]
