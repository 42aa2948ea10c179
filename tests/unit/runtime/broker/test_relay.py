from __future__ import annotations

import errno
import ipaddress
import select
import socket

import pytest

from mobileops.runtime.broker import relay
from mobileops.runtime.broker.judge import Judge
from mobileops.runtime.broker.names import Names
from mobileops.runtime.isolation.network import Destination, NetworkGrants


class Audit(list):
    full = False

    def record(self, operation, target, *, allowed, **_rest):
        if self.full:
            raise OSError(errno.ENOSPC, "no space left")
        self.append((operation, target, allowed))


@pytest.fixture
def world():
    """A relay between two sockets of loopback: "inside" asks, the peer answers."""

    class World:
        def __init__(self):
            self.audit, self.acts = Audit(), {}
            self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.peer.bind(("127.0.0.1", 0))
            self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.inside.setsockopt(socket.IPPROTO_IP, 8, 1)
            self.inside.bind(("127.0.0.2", self.peer.getsockname()[1]))
            self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.client.settimeout(10)

        def grant(self, host):
            port = self.peer.getsockname()[1]
            grants = NetworkGrants(udp=(Destination("network.udp", host, (port,)),))
            judge = Judge(grants, Names())
            self.relay = relay.Relay(
                [self.inside], judge, self.audit, watch=self.acts.__setitem__, forget=self.acts.pop
            )

        def send(self, data=b"x", source=None):
            (source or self.client).sendto(data, self.inside.getsockname())
            assert select.select([self.inside], [], [], 10)[0]
            self.acts[self.inside]()

        def close(self):
            self.relay.close()
            for one in (self.peer, self.inside, self.client):
                one.close()

    made = World()
    yield made
    made.close()


def test_where_a_datagram_was_going_is_what_is_judged(world):
    world.grant("127.0.0.9")
    world.send()
    assert world.audit == [("send", f"udp 127.0.0.2:{world.peer.getsockname()[1]}", False)]
    assert list(world.acts) == [world.inside]


def test_a_refused_flow_is_written_down_once(world):
    world.grant("127.0.0.9")
    for _count in range(5):
        world.send()
    assert len(world.audit) == 1


def test_what_cannot_be_written_down_is_not_sent_and_ends_nothing(world):
    world.grant("127.0.0.2")
    world.audit.full = True
    world.send()
    assert list(world.acts) == [world.inside]
    world.audit.full = False
    world.send()
    assert world.audit[0][2] is True


def test_the_oldest_flow_is_closed_when_there_are_too_many(world, monkeypatch):
    monkeypatch.setattr(relay, "FLOWS_LIMIT", 1)
    world.grant("127.0.0.2")
    world.send()
    (first,) = set(world.acts) - {world.inside}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        world.send(source=other)
    assert first.fileno() == -1
    assert len(world.acts) == 2


def test_a_reply_comes_from_the_peer_it_was_sent_to():
    key = relay._Key(("127.0.0.1", 1), relay.Endpoint(socket.AF_INET, ipaddress.ip_address("11.0.0.2"), 5))
    level, kind, value = relay._as_source(relay._Flow(key, None, None))
    assert (level, kind, value) == (socket.IPPROTO_IP, 8, bytes(4) + bytes([11, 0, 0, 2]) + bytes(4))
