"""Attempts to get further than a network permission allows, most of them by confusing the broker.

Each has a network: "tcp" and "stuck" of 127.0.0.1, UDP "udp", and listening on "listen". It gets out when it reaches
"other_tcp" or "other_udp", opens another port of the host, or learns what only the host's network knows.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attempts.registry import Refused, Scene, attempt, check, libc, syscall

if TYPE_CHECKING:
    from collections.abc import Callable

IPPROTO_MPTCP = 262
MSG_FASTOPEN = 0x20000000
SYS_CONNECT = 42
SYS_SENDTO = 44
SYS_SECCOMP = 317
SYS_IO_URING_SETUP = 425
PR_SET_NO_NEW_PRIVS = 38
RACE_S = 0.7
CONTROL_S = 20.0  # it ends with the first success
LEAST_TRIES = 30


def sockaddr(port: int, host: str = "127.0.0.1") -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def connected(scene: Scene) -> socket.socket:
    return socket.create_connection(("127.0.0.1", scene.targets["tcp"]), 5)


def disconnect(client: socket.socket) -> None:
    syscall(SYS_CONNECT, client.fileno(), struct.pack("=H", socket.AF_UNSPEC) + bytes(14), 16)


def while_another_thread(scene: Scene, act: Callable[[], object], attempt_once: Callable[[], str | None]) -> str | None:
    """Do one thing again and again in a thread, and try another meanwhile; return what the first success says."""
    going, begun = threading.Event(), threading.Event()
    going.set()

    def repeat() -> None:
        while going.is_set():
            with suppress(OSError):
                act()
            begun.set()

    sys.setswitchinterval(1e-5)
    other = threading.Thread(target=repeat)
    other.start()
    begun.wait()
    tries, end = 0, time.monotonic() + (CONTROL_S if scene.outside else RACE_S)
    try:
        while tries < LEAST_TRIES or time.monotonic() < end:
            tries += 1
            with suppress(OSError):
                if found := attempt_once():
                    return found
    finally:
        going.clear()
        other.join()
    message = f"{tries} tries"
    raise Refused(message)


@attempt(network=True)
def another_port_of_a_granted_host(scene: Scene) -> str:
    with socket.create_connection(("127.0.0.1", scene.targets["other_tcp"]), 5) as client:
        return client.recv(16).decode()


@attempt(network=True, optional=True)
def another_port_as_an_ipv4_address_in_ipv6(scene: Scene) -> str:
    with socket.create_connection(("::ffff:127.0.0.1", scene.targets["other_tcp"]), 5) as client:
        return client.recv(16).decode()


@attempt(network=True, namespaces=True)
def a_granted_port_of_another_loopback_address(scene: Scene) -> str:
    with socket.create_connection(("127.0.0.2", scene.targets["tcp"]), 1) as client:
        return client.recv(16).decode()


@attempt(network=True)
def a_granted_port_of_no_address(scene: Scene) -> str:
    with socket.create_connection(("0.0.0.0", scene.targets["tcp"]), 5) as client:  # noqa: S104 (what is tried)
        return client.recv(16).decode()


@attempt(network=True, optional=True)
def a_granted_port_over_ipv6(scene: Scene) -> str:
    with socket.create_connection(("::1", scene.targets["tcp6"]), 5) as client:
        return client.recv(16).decode()


@attempt(network=True)
def an_address_that_another_thread_changes_while_connecting(scene: Scene) -> str | None:
    granted, other = sockaddr(scene.targets["tcp"]), sockaddr(scene.targets["other_tcp"])
    shared = ctypes.create_string_buffer(granted, 16)

    def flip() -> None:
        shared.raw = other if shared.raw == granted else granted

    def connect() -> str | None:
        with socket.socket() as client:
            syscall(SYS_CONNECT, client.fileno(), ctypes.byref(shared), 16)
            return "other port" if client.getpeername()[1] == scene.targets["other_tcp"] else None

    return while_another_thread(scene, flip, connect)


@attempt(network=True)
def an_address_that_another_thread_changes_while_sending(scene: Scene) -> str | None:
    granted, other = sockaddr(scene.targets["udp"]), sockaddr(scene.targets["other_udp"])
    shared = ctypes.create_string_buffer(granted, 16)

    def flip() -> None:
        shared.raw = other if shared.raw == granted else granted

    def send() -> str | None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            syscall(SYS_SENDTO, client.fileno(), b"x", 1, 0, ctypes.byref(shared), 16)
            return "other port" if client.recvfrom(16)[1][1] == scene.targets["other_udp"] else None

    return while_another_thread(scene, flip, send)


@attempt(network=True)
def a_descriptor_that_another_thread_exchanges_while_disconnecting(scene: Scene) -> str | None:
    """AF_UNSPEC is for own sockets; the one that is disconnected must be the one that was looked at."""
    place = socket.socket()
    own = socket.socket()
    host = connected(scene)

    def exchange() -> None:
        os.dup2(own.fileno(), place.fileno())
        os.dup2(host.fileno(), place.fileno())

    def try_it() -> str | None:
        disconnect(place)
        try:
            host.getpeername()
        except OSError as error:
            return "disconnected" if error.errno == errno.ENOTCONN else None
        return None

    return while_another_thread(scene, exchange, try_it)


@attempt(network=True)
def a_descriptor_that_another_thread_exchanges_while_listening(scene: Scene) -> str | None:
    place = socket.socket()
    own = socket.socket()
    own.bind(("127.0.0.1", 0))

    def exchange() -> None:
        os.dup2(own.fileno(), place.fileno())

    def try_it() -> str | None:
        place.listen()
        return "listens" if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else None

    return while_another_thread(scene, exchange, try_it)


@attempt(network=True)
def disconnecting_a_socket_of_the_host_and_connecting_elsewhere(scene: Scene) -> str:
    client = connected(scene)
    disconnect(client)
    client.connect(("127.0.0.1", scene.targets["other_tcp"]))
    return client.recv(16).decode()


@attempt(network=True)
def disconnecting_a_socket_of_the_host_and_listening(scene: Scene) -> str:
    client = connected(scene)
    disconnect(client)
    client.listen()
    return f"listens on {client.getsockname()}"


@attempt(network=True)
def shutting_down_while_connecting_and_listening(scene: Scene) -> str:
    client = socket.socket()
    client.setblocking(False)
    if client.connect_ex(("127.0.0.1", scene.targets["stuck"])) != errno.EINPROGRESS:
        message = "it did not wait"
        raise Refused(message)
    client.shutdown(socket.SHUT_RDWR)
    client.listen()
    return f"listens on {client.getsockname()}"


@attempt(network=True)
def shutting_down_while_connecting_and_connecting_elsewhere(scene: Scene) -> str:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", scene.targets["stuck"]))
    client.shutdown(socket.SHUT_RDWR)
    client.setblocking(True)
    client.connect(("127.0.0.1", scene.targets["other_tcp"]))
    return client.recv(16).decode()


@attempt(network=True)
def fast_open_to_another_port(scene: Scene) -> str:
    with socket.socket() as client:
        client.sendto(b"x", MSG_FASTOPEN, ("127.0.0.1", scene.targets["other_tcp"]))
        return client.recv(16).decode()


@attempt(network=True)
def fast_open_by_message_to_another_port(scene: Scene) -> str:
    with socket.socket() as client:
        client.sendmsg([b"x"], [], MSG_FASTOPEN, ("127.0.0.1", scene.targets["other_tcp"]))
        return client.recv(16).decode()


@attempt(network=True)
def fast_open_after_shutting_down_while_connecting(scene: Scene) -> str:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", scene.targets["stuck"]))
    client.shutdown(socket.SHUT_RDWR)
    client.setblocking(True)
    client.sendto(b"x", MSG_FASTOPEN, ("127.0.0.1", scene.targets["other_tcp"]))
    return client.recv(16).decode()


@attempt(network=True)
def connecting_by_an_option(scene: Scene) -> str:
    with socket.socket() as client:
        client.setsockopt(socket.IPPROTO_TCP, 30, 1)  # TCP_FASTOPEN_CONNECT
        client.connect(("127.0.0.1", scene.targets["other_tcp"]))
        client.sendall(b"x")
        return client.recv(16).decode()


@attempt(network=True, optional=True)
def multipath_tcp_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP) as client:
        client.connect(("127.0.0.1", scene.targets["tcp"]))
        return client.recv(16).decode()


@attempt(network=True)
def a_datagram_to_another_port(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.sendto(b"x", ("127.0.0.1", scene.targets["other_udp"]))
        return client.recv(16).decode()


@attempt(network=True)
def a_datagram_by_message_to_another_port(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.sendmsg([b"x"], [], 0, ("127.0.0.1", scene.targets["other_udp"]))
        return client.recv(16).decode()


@attempt(network=True)
def a_connected_datagram_socket_that_names_another_peer(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", scene.targets["udp"]))
        disconnect(client)
        client.sendmsg([b"x"], [], 0, ("127.0.0.1", scene.targets["other_udp"]))
        return client.recv(16).decode()


@attempt(network=True)
def listening_on_a_port_of_the_kernels_choice(scene: Scene) -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"listens on {server.getsockname()}"


@attempt(network=True)
def listening_without_binding(scene: Scene) -> str:
    with socket.socket() as server:
        server.listen()
        return f"listens on {server.getsockname()}"


@attempt(network=True)
def a_bound_listener_that_is_used_to_connect(scene: Scene) -> str:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("127.0.0.1", scene.targets["listen"]))
        client.connect(("127.0.0.1", scene.targets["other_tcp"]))
        return client.recv(16).decode()


@attempt(network=True)
def an_abstract_unix_socket_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + scene.targets["abstract"])
        return client.recv(16).decode()


@attempt(network=True)
def a_unix_socket_by_path_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(scene.targets["unix"])
        return client.recv(16).decode()


@attempt(network=True)
def a_netlink_socket_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as routes:
        routes.bind((0, 0))
        return repr(routes)


@attempt(network=True, namespaces=True)
def a_raw_socket_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        return repr(raw)


@attempt(network=True, namespaces=True)
def a_packet_socket_with_a_network(scene: Scene) -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        return repr(raw)


@attempt(network=True, optional=True)
def an_io_uring_that_could_connect_unseen(scene: Scene) -> str:
    return f"ring {syscall(SYS_IO_URING_SETUP, 1, bytes(120))}"


@attempt(network=True)
def asking_a_socket_of_the_host_for_its_interfaces(scene: Scene) -> str:
    import fcntl  # noqa: PLC0415 (only here)

    with connected(scene) as client:
        names = ctypes.create_string_buffer(4096)
        request = struct.pack("@iP", 4096, ctypes.addressof(names))
        fcntl.ioctl(client, 0x8912, request)  # SIOCGIFCONF
        return names.raw[:16].decode(errors="replace")


@attempt(network=True, namespaces=True)
def a_source_route_on_a_socket_of_the_host(scene: Scene) -> str:
    with connected(scene) as client:
        client.setsockopt(
            socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 7, 4]) + socket.inet_aton("127.0.0.1") + b"\0"
        )
        return "routed"


@attempt(network=True, namespaces=True, optional=True)
def another_protocol_on_a_socket_of_the_host(scene: Scene) -> str:
    with connected(scene) as client:
        client.setsockopt(socket.IPPROTO_TCP, 31, b"tls")  # TCP_ULP
        return "wrapped"


@attempt(network=True)
def a_listener_of_ones_own_that_answers_in_the_brokers_place(scene: Scene) -> str:
    """One listener a process: a second one could answer "continue"."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000), 8)
    header = struct.pack("@HP", 1, ctypes.addressof(program))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return f"listener {syscall(SYS_SECCOMP, 1, 8, header)}"


@attempt(network=True)
def the_brokers_own_descriptors_in_ones_hands(scene: Scene) -> str:
    own = socket.socket() if scene.outside else None
    others = [path for path in Path("/proc/self/fd").iterdir() if path.name != str(scene.channel)]
    links = [str(path.readlink()) for path in others if path.is_symlink()]
    kept = [link for link in links if "seccomp" in link or link.startswith("socket:")]
    if not kept:
        message = f"only {links}"
        raise Refused(message)
    return f"{kept} {own}"


@attempt(network=True, namespaces=True)
def a_name_that_no_permission_names(scene: Scene) -> str:
    return str(socket.getaddrinfo("example.com", 80))


@check(network=True)
def a_granted_port_after_requests_that_make_no_sense(scene: Scene) -> str:
    """Whatever is asked, the broker goes on."""
    client = socket.socket()
    address = sockaddr(scene.targets["tcp"])
    for arguments in (
        (client.fileno(), address, 0), (client.fileno(), address, 2), (client.fileno(), address, 15),
        (client.fileno(), address, 0x7FFFFFFF), (client.fileno(), address, -1), (client.fileno(), 0, 16),
        (client.fileno(), 0x10, 16), (client.fileno(), -1, 16), (-1, address, 16), (9999, address, 16),
        (scene.channel, address, 16), (1, address, 16), (client.fileno(), b"\xff" * 16, 16),
    ):  # fmt: skip
        for call in (SYS_CONNECT, 49, 50):
            with suppress(OSError):
                syscall(call, *arguments)
        with suppress(OSError):
            syscall(SYS_SENDTO, arguments[0], -1, 1 << 40, 0, *arguments[1:])
    with connected(scene) as last:
        return last.recv(16).decode()


@check(network=True)
def a_granted_port_after_threads_that_died_while_they_waited(scene: Scene) -> str:
    for _count in range(8):
        child = os.fork()
        if child == 0:
            with socket.socket() as waiting:
                waiting.connect(("127.0.0.1", scene.targets["stuck"]))
            os._exit(0)
        os.kill(child, 9)
        os.waitpid(child, 0)
    with connected(scene) as last:
        return last.recv(16).decode()


@check(network=True)
def a_descriptor_closed_while_it_connects(scene: Scene) -> str:
    client = socket.socket()
    waiting = threading.Thread(target=lambda: client.connect_ex(("127.0.0.1", scene.targets["stuck"])), daemon=True)
    waiting.start()
    os.close(client.detach())
    with connected(scene) as last:
        return last.recv(16).decode()


@check(network=True)
def many_connections_at_once(scene: Scene) -> str:
    found: list[str] = []

    def one() -> None:
        with connected(scene) as client:
            found.append(client.recv(16).decode())

    threads = [threading.Thread(target=one) for _count in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if found != ["host"] * 20:
        message = str(found)
        raise Refused(message)
    return "host"


@check(network=True)
def streams_of_asyncio(scene: Scene) -> str:
    import asyncio  # noqa: PLC0415 (only here)

    async def talk() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", scene.targets["tcp"])
        said = await reader.read(16)
        writer.close()
        return said.decode()

    return asyncio.run(talk())


@check(network=True)
def a_server_on_the_granted_port(scene: Scene) -> str:
    with socket.create_server(("127.0.0.1", scene.targets["listen"])) as server:
        return str(server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


@check(network=True)
def datagrams_to_the_granted_port(scene: Scene) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"x", ("127.0.0.1", scene.targets["udp"]))
        return client.recv(16).decode()
