"""`mobileops.runtime.manager.control`: clients that ask and do not read, go away, or ask for nonsense."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import RefusedError
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import CALL, Frame, Kind
from mobileops.runtime.home import Home
from mobileops.runtime.manager import control, daemon
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import DaemonThread, serving
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = """
    import threading
    from mobileops.plugin import ServicePlugin, plugin_method

    class Large(ServicePlugin):
        begun = 0

        @plugin_method
        def large(self, size: int):
            return b"x" * size

        @plugin_method
        def wait(self):
            Large.begun += 1
            while not self.cancelled():
                pass

        @plugin_method
        def echo(self, value, more=None):
            return [value, more]

        @plugin_method
        def upto(self, most: int):
            yield from range(most)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def served(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonThread]:
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(code=CODE), verify=publisher.decision())
    with serving(home, monkeypatch) as thread:
        client = connected(home)
        assert asked(client, "start", name="echo").kind is Kind.RESULT
        client.close()
        yield thread


def connected(home: Home) -> BlockingChannel:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(str(home.run / "daemon.sock"))
    return BlockingChannel(connection)


def asked(client: BlockingChannel, verb: str, number: int = 1, **body: Any) -> Frame:
    client.send(Frame(CALL, number, verb, body))
    return client.receive()


def called(method: str, *args: Any, **more: Any) -> dict[str, Any]:
    return {"name": "echo", "method": method, "args": list(args), **more}


@pytest.mark.usefixtures("served")
def test_arguments_and_results_go_through_as_they_are(home: Home) -> None:
    client = connected(home)
    answer = asked(client, "call", **called("echo", {"a": [1, b"x"]}, kwargs={"more": None}))
    assert answer.body == [{"a": [1, b"x"]}, None]
    client.close()


@pytest.mark.usefixtures("served")
def test_results_beyond_the_cap_are_dropped_with_a_code_and_the_client_is_served_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "MAX_UNDELIVERED_BYTES", 4 << 20)
    monkeypatch.setattr(control, "PAUSE_BYTES", 64 << 20)  # so that everything is asked for before anything is read
    client = connected(home)
    for number in range(8):
        client.send(Frame(CALL, number, "call", called("large", 2 << 20)))
    other = connected(home)
    for _ in range(8):
        assert asked(other, "call", **called("echo", 1)).kind is Kind.RESULT  # in order: those of before are answered
    answers = [client.receive() for _ in range(8)]
    codes = {answer.body["code"] for answer in answers if answer.kind is Kind.ERROR}
    assert codes == {"MOP5206"}
    assert any(answer.kind is Kind.RESULT for answer in answers)
    assert asked(client, "call", 9, **called("echo", 1)).body == [1, None]
    client.close()
    other.close()


@pytest.mark.usefixtures("served")
def test_a_client_that_does_not_read_is_not_read_from(home: Home) -> None:
    client = connected(home)
    for number in range(4):
        client.send(Frame(CALL, number, "call", called("large", 1 << 20)))
    other = connected(home)
    for _ in range(4):
        asked(other, "call", **called("echo", 1))
    client.send(Frame(CALL, 5, "call", called("wait", deadline_s=30.0)))  # begins only when the others were read
    assert asked(other, "call", **called("echo", 1)).body == [1, None]
    for number in range(4):
        assert client.receive().id == number
    client.send(Frame(Kind.CANCEL, 5, "", None))
    client.close()
    other.close()


@pytest.mark.usefixtures("served")
def test_a_call_is_cancelled_by_its_client_and_by_its_end(home: Home) -> None:
    for end in ("cancel", "close"):
        client, other = connected(home), connected(home)
        client.send(Frame(CALL, 5, "call", called("wait", deadline_s=30.0)))
        if end == "cancel":
            client.send(Frame(Kind.CANCEL, 5, "", None))
        else:
            client.close()
        assert asked(other, "call", **called("echo", 1)).body == [1, None]  # it runs only after that
        client.close()
        other.close()


@pytest.mark.usefixtures("served")
def test_the_deadline_of_a_call_is_kept(home: Home) -> None:
    client = connected(home)
    assert asked(client, "call", **called("wait", deadline_s=0.05)).body["code"] == "MOP5014"
    client.close()


@pytest.mark.usefixtures("served")
def test_values_are_streamed_to_whoever_takes_them(home: Home) -> None:
    client = connected(home)
    client.send(Frame(CALL, 1, "call", called("upto", 40, stream=True)))
    values = []
    while (frame := client.receive()).kind is Kind.ITEM:
        values.append(frame.body)
    assert values == list(range(40))
    assert frame.kind is Kind.END
    client.close()


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (called("nothing"), "MOP5013"),
        ({**called("echo"), "name": "nobody"}, "MOP6004"),
        (called("upto", 3), "MOP5016"),
        ({"name": 3}, "MOP5200"),
        (called("echo", "x", deadline_s="soon"), "MOP5200"),
    ],
    ids=["no method", "no plugin", "streams", "incomplete", "no number"],
)
def test_a_call_that_cannot_be_is_an_error(home: Home, body: dict[str, Any], code: str) -> None:
    client = connected(home)
    answer = asked(client, "call", **body)
    assert answer.body["code"] == code
    client.close()


def test_without_a_free_descriptor_clients_wait(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    accept, refused = socket.socket.accept, [OSError(24, os.strerror(24))]

    def full(listener: socket.socket) -> Any:
        if refused:
            raise refused.pop()
        return accept(listener)

    monkeypatch.setattr(daemon, "ACCEPT_AGAIN_S", 0.01)
    monkeypatch.setattr(socket.socket, "accept", full)
    with serving(home, monkeypatch):
        client = connected(home)
        assert asked(client, "ping").body["active"] == []
        assert not refused
        client.close()


def test_what_was_dropped_says_how_much_waits() -> None:
    error = control._dropped(10, 20)
    assert isinstance(error, RefusedError)
    assert "20 bytes" in str(error.why)
