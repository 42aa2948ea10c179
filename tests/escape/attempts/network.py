"""Attempts to reach a network, or a service on the host, without a permission."""

from __future__ import annotations

import array
import contextlib
import os
import socket

from attempts.registry import Refused, Scene, attempt

IPPROTO_MPTCP = 262
MSG_FASTOPEN = 0x20000000


@attempt()
def tcp_to_a_service_on_loopback(scene: Scene) -> str:
    with socket.create_connection(("127.0.0.1", scene.targets["tcp"]), 3) as client:
        return client.recv(16).decode()


@attempt(optional=True)
def tcp_over_ipv6(scene: Scene) -> str:
    with socket.create_connection(("::1", scene.targets["tcp6"]), 3) as client:
        return client.recv(16).decode()


@attempt()
def udp_to_a_service_on_loopback(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.sendto(b"x", ("127.0.0.1", scene.targets["udp"]))
        return client.recv(16).decode()


@attempt()
def a_dns_query_by_datagram(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01"
        return f"{client.sendto(query, ('127.0.0.1', scene.targets['udp']))} bytes left"


@attempt(optional=True)
def multipath_tcp(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP) as client:
        client.connect(("127.0.0.1", scene.targets["tcp"]))
        return client.recv(16).decode()


@attempt()
def tcp_fast_open_without_connect(scene: Scene) -> str:
    with socket.socket() as client:
        client.sendto(b"x", MSG_FASTOPEN, ("127.0.0.1", scene.targets["tcp"]))
        return client.recv(16).decode()


@attempt()
def listening_on_a_port(scene: Scene) -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"listens on {server.getsockname()}"


@attempt(namespaces=True)
def a_raw_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        return repr(raw)


@attempt(namespaces=True)
def a_packet_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        return repr(raw)


@attempt()
def a_netlink_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as routes:
        routes.bind((0, 0))
        return repr(routes)


@attempt(optional=True)
def a_virtual_machine_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as host:
        return repr(host)


@attempt(optional=True)
def a_kernel_crypto_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as crypto:
        return repr(crypto)


@attempt()
def a_unix_socket_by_path(scene: Scene) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(scene.targets["unix"])
        return client.recv(16).decode()


@attempt()
def an_abstract_unix_socket(scene: Scene) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + scene.targets["abstract"])
        return client.recv(16).decode()


@attempt()
def a_datagram_pair_that_names_another_socket(scene: Scene) -> str:
    ours, _theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return f"{ours.sendto(b'x', scene.targets['datagram'])} bytes left"


@attempt()
def a_raw_pair_that_is_a_datagram_pair(scene: Scene) -> str:
    ours, _theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)
    return f"{ours.sendmsg([b'x'], [], 0, scene.targets['datagram'])} bytes left"


@attempt()
def a_unix_listener_in_the_data_directory(scene: Scene) -> str:
    path = scene.data / "listener"
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.unlink()
        return "listens where the host could connect"


@attempt()
def out_of_band_data(scene: Scene) -> str:
    ours, theirs = socket.socketpair()
    ours.send(b"x", socket.MSG_OOB)
    return repr(theirs.recv(1, socket.MSG_OOB))


@attempt()
def a_socket_received_from_the_host(scene: Scene) -> str:
    """A descriptor that arrives over a reachable socket would be a way out; there is none to receive from."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(scene.targets["unix"])
        _data, ancillary, _flags, _address = client.recvmsg(16, socket.CMSG_LEN(array.array("i").itemsize))
        if not ancillary:
            raise Refused("no descriptor came")
        os.close(array.array("i", ancillary[0][2])[0])
        return "a descriptor of the host"
