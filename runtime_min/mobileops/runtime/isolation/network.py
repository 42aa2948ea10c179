"""What a plugin may do on the network, as plain values; nothing here asks the system or imports anything heavy.

They cross two process boundaries (to the broker, and in part to the zygote), so they convert to and from plain JSON
values; the law is ``from_plain(to_plain(grants)) == grants``.
"""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """One way out.

    Attributes:
        permission: the permission's text, for the audit log.
        host: a name, ``*.`` and a name, or an address without brackets; None for every public host.
        ports: the destination ports, or None for all.
    """

    permission: str
    host: str | None
    ports: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkGrants:
    """Everything that one plugin may do on the network.

    Attributes:
        tcp: where TCP connections may go.
        udp: where UDP datagrams may go; each names a host and a port.
        listen: local TCP ports on which connections may be accepted.
    """

    tcp: tuple[Destination, ...] = ()
    udp: tuple[Destination, ...] = ()
    listen: tuple[int, ...] = ()

    @property
    def udp_ports(self) -> tuple[int, ...]:
        """Return the destination ports of all UDP grants, each once, sorted."""
        return tuple(sorted({port for grant in self.udp for port in grant.ports or ()}))


def to_plain(grants: NetworkGrants) -> dict[str, Any]:
    """Return grants as values that JSON can carry."""
    return dataclasses.asdict(grants)


def from_plain(plain: dict[str, Any]) -> NetworkGrants:
    """Return the grants that `to_plain` made plain.

    Raises:
        KeyError, TypeError: it made something else.
    """
    return NetworkGrants(
        tcp=tuple(_grant(one) for one in plain["tcp"]),
        udp=tuple(_grant(one) for one in plain["udp"]),
        listen=tuple(int(port) for port in plain["listen"]),
    )


def _grant(plain: dict[str, Any]) -> Destination:
    ports = plain["ports"]
    return Destination(
        plain["permission"], plain["host"], None if ports is None else tuple(int(port) for port in ports)
    )
