from __future__ import annotations

import functools
import ipaddress
import select
import socket
import struct
import threading

import pytest

from mobileops.runtime.broker import dns, stub
from mobileops.runtime.broker.judge import Judge
from mobileops.runtime.broker.names import Names
from mobileops.runtime.isolation.network import Destination, NetworkGrants

GRANTS = NetworkGrants(tcp=(Destination("network.http:api.example.com", "api.example.com", (80, 443)),))
PUBLIC, LOOPBACK = ipaddress.ip_address("11.0.0.2"), ipaddress.ip_address("127.0.0.1")


class Audit(list):
    def record(self, operation, target, *, allowed, **_rest):
        self.append((operation, target, allowed))


def question(name="api.example.com", kind=dns.TYPE_A):
    wire = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + wire + struct.pack("!HH", kind, 1)


@pytest.fixture
def world():
    """A resolver whose host knows what the test tells it."""

    class World:
        def __init__(self):
            self.names, self.audit, self.known = Names(), Audit(), {"api.example.com": [PUBLIC]}

        def ask(self, *words):
            reply = self.resolver.respond(question(*words), stream=False)
            _number, flags, _questions, answers, *_rest = struct.unpack_from("!6H", reply)
            return flags & 0xF, answers

        def lookup(self, name):
            if name not in self.known:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return self.known[name]

    made = World()
    made.resolver = stub.Resolver(
        Judge(GRANTS, made.names, own=lambda _address: False), made.names, made.audit, lookup=made.lookup
    )
    return made


def test_a_granted_name_is_answered_and_remembered(world):
    assert world.ask() == (dns.NO_ERROR, 1)
    assert world.names.of(PUBLIC) == ["api.example.com"]
    assert world.audit == [("resolve", "api.example.com", True)]


def test_another_name_does_not_exist_and_is_not_looked_up(world):
    world.known["evil.example.com"] = [PUBLIC]
    assert world.ask("evil.example.com") == (dns.NO_SUCH_NAME, 0)
    assert world.names.of(PUBLIC) == []
    assert world.audit == [("resolve", "evil.example.com", False)]


def test_a_name_that_was_rebound_to_loopback_is_not_answered_and_not_remembered(world):
    world.known["api.example.com"] = [LOOPBACK]
    assert world.ask() == (dns.NO_SUCH_NAME, 0)
    assert world.names.of(LOOPBACK) == []
    assert world.audit == [("resolve", "api.example.com", False)]


def test_of_a_mixed_answer_the_public_part_is_given(world):
    world.known["api.example.com"] = [LOOPBACK, PUBLIC]
    assert world.ask() == (dns.NO_ERROR, 1)
    assert world.names.of(LOOPBACK) == []


def test_a_type_that_does_not_exist_for_the_name_is_an_empty_answer(world):
    assert world.ask("api.example.com", dns.TYPE_AAAA) == (dns.NO_ERROR, 0)
    assert world.ask("api.example.com", 16) == (dns.NO_ERROR, 0)


def test_a_name_that_the_host_does_not_know_does_not_exist(world):
    del world.known["api.example.com"]
    assert world.ask() == (dns.NO_SUCH_NAME, 0)


def test_a_host_that_cannot_look_up_says_so(world):
    def fail(_name):
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    world.lookup = fail
    world.resolver = stub.Resolver(Judge(GRANTS, world.names), world.names, world.audit, lookup=fail)
    assert world.ask() == (dns.SERVER_FAILURE, 0)


def test_nonsense_is_not_answered(world):
    assert world.resolver.respond(b"nonsense", stream=False) is None


def when_readable(one, act):
    assert select.select([one], [], [], 10)[0]
    act()


@pytest.fixture
def served(world, monkeypatch):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    streams = socket.create_server(("127.0.0.1", 0))
    server = stub.Stub(datagrams, streams, world.resolver, pause=lambda _socket: None)
    for one, name in ((datagrams, "on_datagrams"), (streams, "on_streams")):  # called when the poll says so
        monkeypatch.setattr(server, name, functools.partial(when_readable, one, getattr(server, name)))
    yield server, datagrams.getsockname(), streams.getsockname()
    datagrams.close()
    streams.close()


def test_a_datagram_is_answered(served):
    server, address, _streams = served
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(question(), address)
        server.on_datagrams()
        assert client.recv(512).endswith(PUBLIC.packed)


def test_a_stream_is_answered(served):
    server, _datagrams, address = served
    with socket.create_connection(address, 10) as client:
        client.sendall(struct.pack("!H", len(question())) + question())
        server.on_streams()
        (size,) = struct.unpack("!H", client.recv(2))
        assert client.recv(size).endswith(PUBLIC.packed)


def test_more_than_the_bound_of_questions_at_once_are_not_served(served, monkeypatch):
    server, _datagrams, address = served
    for _slot in range(stub.THREADS):
        assert server._free.acquire(blocking=False)
    with socket.create_connection(address, 10) as client:
        server.on_streams()
        assert client.recv(1) == b""


def test_a_host_without_another_thread_loses_a_question_and_no_place(served, monkeypatch):
    def none_left(_thread):
        raise RuntimeError("can't start new thread")

    server, _datagrams, address = served
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        for _question in range(stub.THREADS + 1):
            with socket.create_connection(address, 10) as client:
                server.on_streams()
                assert client.recv(1) == b""
    assert server._free.acquire(blocking=False)


def test_the_hosts_own_view_is_asked():
    assert LOOPBACK in stub.look_up("localhost")
