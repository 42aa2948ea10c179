"""What a plugin with a network permission has in its own network namespace, and how the broker gets hold of it.

::

    lo, up                                             nothing else
    127.53.53.53:53  UDP and TCP                       the name server (the broker serves it)
    local default dev lo; one socket a granted port    only with a permission for UDP: see `broker.relay`

All of it is made before capabilities are dropped, and handed over to the broker, together with the notification
descriptor of the system call filter, over a socket that is closed before any code of the plugin runs.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where the name server listens: an address of the loopback network that no host uses, so that a permission for
#: 127.0.0.1:53 or 127.0.0.53:53 still means the host's.
STUB_ADDRESS: Final = "127.53.53.53"
STUB_PORT: Final = 53
RESOLVER_CONFIGURATION: Final = f"nameserver {STUB_ADDRESS}\noptions timeout:5 attempts:2\n".encode()
ACCEPTED: Final = b"accepted"
#: Of what the broker says instead, when it cannot serve.
REASON_LIMIT_BYTES: Final = 512
#: Linux passes at most 253 descriptors in one message (SCM_MAX_FD, unix(7)).
HAND_OVER_LIMIT_DESCRIPTORS: Final = 253
HAND_OVER_TIMEOUT_S: Final = 10
#: Each UDP port takes two sockets, beside the listener and the name server's two.
UDP_PORTS_LIMIT: Final = 120

_BACKLOG: Final = 16
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_INTERFACE_REQUEST: Final = struct.Struct("=16sh22x")
_RTM_NEWROUTE: Final = 24
#: NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE
_NETLINK_FLAGS: Final = 0x405
_NETLINK_HEADER: Final = struct.Struct("=IHHII")
_ROUTE: Final = struct.Struct("=8BI")
_ATTRIBUTE: Final = struct.Struct("=HHI")
_RTA_OIF: Final = 4
_TABLE_LOCAL: Final = 255
_PROTOCOL_STATIC: Final = 4
_SCOPE_HOST: Final = 254
_TYPE_LOCAL: Final = 2
_ANSWER_LIMIT_BYTES: Final = 4096
_IP_PKTINFO: Final = 8


def prepare(udp_ports: Sequence[int]) -> list[socket.socket]:
    """Set up the caller's network namespace, empty until now; return the name server's sockets and the relay's.

    Args:
        udp_ports: destination ports that datagrams may go to, at most `UDP_PORTS_LIMIT`.

    Raises:
        OSError: the kernel refused a part.
    """
    if len(udp_ports) > UDP_PORTS_LIMIT:
        raise OSError(errno.E2BIG, f"permissions name {len(udp_ports)} UDP ports, at most {UDP_PORTS_LIMIT}")
    _raise_loopback()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    datagrams.bind((STUB_ADDRESS, STUB_PORT))
    streams = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    streams.bind((STUB_ADDRESS, STUB_PORT))
    streams.listen(_BACKLOG)
    made = [datagrams, streams]
    if udp_ports:
        _route_everything_here(socket.AF_INET)
        made += [_relay(socket.AF_INET, port) for port in udp_ports]
        with suppress(OSError):  # a kernel without IPv6
            _route_everything_here(socket.AF_INET6)
            made += [_relay(socket.AF_INET6, port) for port in udp_ports]
    return made


def hand_over(stream: int, listener: int, sockets: Sequence[socket.socket]) -> None:
    """Give the broker its ends, close them here, and wait until it serves.

    Args:
        stream: descriptor of the socket to the broker; closed.
        listener: notification descriptor of the filter that the caller is under; closed.
        sockets: what `prepare` made; closed.

    Raises:
        OSError: the broker is gone, or did not answer in time.
    """
    with socket.socket(fileno=stream) as broker:
        broker.settimeout(HAND_OVER_TIMEOUT_S)
        numbers = array.array("i", [listener, *(one.fileno() for one in sockets)])
        broker.sendmsg([b"sockets"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
        os.close(listener)
        for one in sockets:
            one.close()
        answer = broker.recv(REASON_LIMIT_BYTES)
        if answer != ACCEPTED:
            raise OSError(errno.ECONNRESET, answer.decode(errors="replace") or "the network broker ended")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _INTERFACE_REQUEST.pack(b"lo", _IFF_UP))


def _route_everything_here(family: int) -> None:
    """Make every address of a family one of this namespace: ``ip route add local default dev lo``.

    Source: rtnetlink(7), RTM_NEWROUTE.
    """
    route = _ROUTE.pack(family, 0, 0, 0, _TABLE_LOCAL, _PROTOCOL_STATIC, _SCOPE_HOST, _TYPE_LOCAL, 0)
    body = route + _ATTRIBUTE.pack(_ATTRIBUTE.size, _RTA_OIF, socket.if_nametoindex("lo"))
    header = _NETLINK_HEADER.pack(_NETLINK_HEADER.size + len(body), _RTM_NEWROUTE, _NETLINK_FLAGS, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(header + body)
        answer = netlink.recv(_ANSWER_LIMIT_BYTES)
    failure = -struct.unpack_from("=i", answer, _NETLINK_HEADER.size)[0]
    if failure:
        raise OSError(failure, os.strerror(failure), "RTM_NEWROUTE")


def _relay(family: int, port: int) -> socket.socket:
    relay = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    if family == socket.AF_INET6:
        relay.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        relay.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        relay.bind(("::", port))
    else:
        relay.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        relay.bind(("0.0.0.0", port))  # noqa: S104 (of the plugin's own namespace)
    return relay
