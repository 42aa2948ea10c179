"""UDP: datagrams are read inside the plugin's namespace, judged by where they were going, and sent from outside.

In the namespace every address is local (a ``local default dev lo`` route), and a socket of ours holds each port that a
permission names. So a plugin's datagram arrives here whatever call it was sent with, with its destination as the
kernel saw it (IP_PKTINFO), which no thread of the plugin can change any more; and a reply leaves with the peer's
address as its source. No UDP socket of the host is ever in a plugin's hands. ::

    plugin  --datagram-->  relay socket  --judge-->  flow: a connected UDP socket of the host  --> peer
            <--datagram--  (source: the peer)   <--
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import struct
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from mobileops.runtime.broker.addresses import Endpoint, canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.audit import AuditLog
    from mobileops.runtime.broker.judge import Judge

FLOWS_LIMIT: Final = 128
DATAGRAM_LIMIT_BYTES: Final = 65_535
_PKTINFO_4: Final = struct.Struct("=i4s4s")
_PKTINFO_6: Final = struct.Struct("=16si")
_IP_PKTINFO: Final = 8
_ANCILLARY_BYTES: Final = 128
_BURST: Final = 64


class _Key(NamedTuple):
    source: tuple[Any, ...]
    target: Endpoint


class _Flow(NamedTuple):
    key: _Key
    inside: socket.socket
    outside: socket.socket | None


Watch: TypeAlias = "Callable[[socket.socket, Callable[[], None]], None]"


class Relay:
    """Carries the datagrams of one plugin.

    Args:
        sockets: bound in the plugin's namespace, with IP_PKTINFO or IPV6_RECVPKTINFO set.
        judge: decides about destinations.
        audit: where each new flow, allowed or not, is written.
        watch: asks to be called when a socket is readable.
        forget: takes that back.
    """

    def __init__(
        self,
        sockets: list[socket.socket],
        judge: Judge,
        audit: AuditLog,
        *,
        watch: Watch,
        forget: Callable[[socket.socket], None],
    ) -> None:
        self._judge = judge
        self._audit = audit
        self._watch = watch
        self._forget = forget
        self._flows: OrderedDict[_Key, _Flow] = OrderedDict()
        for inside in sockets:
            inside.setblocking(False)  # noqa: FBT003 (the standard library's signature)
            watch(inside, functools.partial(self._outward, inside))

    def close(self) -> None:
        """Close every flow."""
        while self._flows:
            self._drop_oldest()

    def _outward(self, inside: socket.socket) -> None:
        """Send what the plugin sent."""
        for _count in range(_BURST):
            try:
                data, ancillary, _flags, source = inside.recvmsg(DATAGRAM_LIMIT_BYTES, _ANCILLARY_BYTES)
            except OSError:
                return
            target = _target(inside, ancillary)
            if target is None:
                continue
            with suppress(OSError):  # a full buffer, an ICMP error or a full disk loses a datagram, as UDP does
                flow = self._flow(inside, _Key(tuple(source), target))
                if flow.outside is not None:
                    flow.outside.send(data)

    def _flow(self, inside: socket.socket, key: _Key) -> _Flow:
        if key in self._flows:
            self._flows.move_to_end(key)
            return self._flows[key]
        verdict = self._judge.reach("udp", key.target)
        self._audit.record("send", f"udp {key.target}", **verdict._asdict())
        outside = _connected(key.target) if verdict.allowed else None
        flow = self._flows[key] = _Flow(key, inside, outside)
        if outside is not None:
            self._watch(outside, lambda: self._inward(flow))
        while len(self._flows) > FLOWS_LIMIT:
            self._drop_oldest()
        return flow

    def _inward(self, flow: _Flow) -> None:
        """Deliver what the peer sent."""
        if flow.outside is None:
            return
        for _count in range(_BURST):
            try:
                data = flow.outside.recv(DATAGRAM_LIMIT_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram
            with suppress(OSError):
                flow.inside.sendmsg([data], [_as_source(flow)], 0, flow.key.source)

    def _drop_oldest(self) -> None:
        _key, flow = self._flows.popitem(last=False)
        if flow.outside is not None:
            self._forget(flow.outside)
            flow.outside.close()


def _target(inside: socket.socket, ancillary: list[tuple[int, int, bytes]]) -> Endpoint | None:
    port = inside.getsockname()[1]
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            return Endpoint(socket.AF_INET, ipaddress.IPv4Address(_PKTINFO_4.unpack(value)[2]), port)
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            address = canonical(ipaddress.IPv6Address(_PKTINFO_6.unpack(value)[0]))
            return Endpoint(socket.AF_INET6, address, port)
    return None


def _connected(target: Endpoint) -> socket.socket | None:
    outside = socket.socket(target.family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        outside.connect(target.for_socket())
    except OSError:
        outside.close()
        return None
    return outside


def _as_source(flow: _Flow) -> tuple[int, int, bytes]:
    packed = flow.key.target.address.packed
    if flow.key.target.family == socket.AF_INET:
        return (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO_4.pack(0, packed, bytes(4)))
    return (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO_6.pack(packed, 0))
