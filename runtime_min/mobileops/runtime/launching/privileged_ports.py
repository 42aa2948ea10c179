"""``network.listen`` of a port that only the privileged may bind: below ``net.ipv4.ip_unprivileged_port_start``.

The network broker is an unprivileged account to the host, so a plugin manager that may bind such a port does it in
its place: the broker sends the socket and the address, and the manager binds that very socket, to a port that *it*
knows to be granted, and to nothing else. A plugin manager that may not refuses to start the plugin, by name (ip(7),
capabilities(7)).
"""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import IsolationRefused
from mobileops.runtime.broker import addresses, binding

if TYPE_CHECKING:
    from collections.abc import Collection

_FIRST_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_USUAL_FIRST: Final = 1024
_CAP_NET_BIND_SERVICE: Final = 1 << 10
_STATUS: Final = Path("/proc/self/status")


def privileged(ports: Collection[int], *, setting: Path = _FIRST_UNPRIVILEGED) -> frozenset[int]:
    """Return those ports that only the privileged may bind on this host."""
    try:
        first = int(setting.read_text(encoding="ascii"))
    except (OSError, ValueError):
        first = _USUAL_FIRST
    return frozenset(port for port in ports if port < first)


def check(name: str, ports: Collection[int], *, status: Path = _STATUS) -> None:
    """Refuse ports that this process may not bind.

    Args:
        name: of the plugin.
        ports: what `privileged` returned.
        status: of this process.

    Raises:
        IsolationRefused: MOP4103.
    """
    if not ports or _may_bind(status):
        return
    lowest = min(ports)
    raise IsolationRefused(
        f"this host lets no ordinary user listen on port {lowest}",
        code="MOP4103",
        where=f"{name}: {', '.join(f'network.listen:{port}' for port in sorted(ports))}",
        why="ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE, which it lacks",
        fix=f"set sysctl net.ipv4.ip_unprivileged_port_start={lowest}, or ask for a higher port, or write "
        "'AmbientCapabilities=CAP_NET_BIND_SERVICE' into the plugin manager's unit",
    )


def _may_bind(status: Path) -> bool:
    lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    effective = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) & _CAP_NET_BIND_SERVICE)


def serve(ports: Collection[int]) -> socket.socket:
    """Return the broker's end of a socket through which it has sockets bound, until it is closed.

    Args:
        ports: what may be bound, and nothing else.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    threading.Thread(target=_serve, args=(ours, frozenset(ports)), daemon=True, name="privileged-ports").start()
    return theirs


def _serve(ours: socket.socket, ports: frozenset[int]) -> None:
    with ours:
        while True:
            try:
                raw, descriptors, flags, _address = socket.recv_fds(ours, addresses.ADDRESS_LIMIT_BYTES, 1)
                if not raw:
                    return
                number = errno.EMFILE if flags & socket.MSG_CTRUNC else _bind(raw, descriptors, ports)
                ours.send(binding.ANSWER.pack(number))
            except OSError:
                return  # the broker is gone


def _bind(raw: bytes, descriptors: list[int], ports: frozenset[int]) -> int:
    """Bind the broker's socket; return 0 or an errno."""
    if len(descriptors) != 1:
        return errno.EBADF
    with socket.socket(fileno=descriptors[0]) as one:
        endpoint = addresses.parse(raw)
        if endpoint is None or endpoint.port not in ports:
            return errno.EACCES
        if one.family != endpoint.family or one.type & 0xF != socket.SOCK_STREAM:
            return errno.EAFNOSUPPORT
        try:
            one.bind(endpoint.for_socket())
        except OSError as error:
            return error.errno or errno.EIO
    return 0
