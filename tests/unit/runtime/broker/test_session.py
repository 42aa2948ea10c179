"""One plugin at the broker, in a process that has run out of something."""

from __future__ import annotations

import os
import resource
import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.broker import stub
from mobileops.runtime.broker.session import Session
from mobileops.runtime.isolation.network import Destination, NetworkGrants

if TYPE_CHECKING:
    from collections.abc import Iterator

GRANTS = NetworkGrants(tcp=(Destination("network.http:api.example.com", "api.example.com", (443,)),))
QUESTION = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\5other\7example\3com\0" + struct.pack("!HH", 1, 1)


class Silent:
    """A listener whose plugin makes no calls, and ends when the test says so."""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()

    def fileno(self) -> int:
        return self._here.fileno()

    def receive(self) -> None:
        return None

    def end(self) -> None:
        self._there.close()

    def close(self) -> None:
        self._here.close()


class Audit:
    def record(self, *_words: Any, **_fields: Any) -> None:
        """Forget it."""


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Take every further descriptor from this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.close(free := os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_broker_without_descriptors_waits_for_one_and_does_not_spin() -> None:
    listener: Any = Silent()
    audit: Any = Audit()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    streams = socket.create_server(("127.0.0.1", 0))
    session = Session(GRANTS, listener, [datagrams, streams], audit, binder=None)
    with socket.create_connection(streams.getsockname(), 30) as client:
        with no_descriptor_left():
            with pytest.raises(OSError, match="Too many open files"):
                streams.accept()
            assert session._turn()
            assert session._poll.poll(0) == []  # although the connection still waits
        serving = threading.Thread(target=session.run, daemon=True)
        serving.start()
        client.sendall(struct.pack("!H", len(QUESTION)) + QUESTION)
        client.settimeout(30)
        assert len(client.recv(2)) == struct.calcsize("!H")
    listener.end()
    serving.join(30)
    assert not serving.is_alive()


def test_other_errors_of_a_connection_pause_nothing() -> None:
    """Control: a connection that is gone again before it is taken."""
    paused: list[socket.socket] = []
    resolver: Any = None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.create_server(("127.0.0.1", 0)) as one:
        stub.Stub(datagrams, one, resolver, pause=paused.append).on_streams()
    assert paused == []
