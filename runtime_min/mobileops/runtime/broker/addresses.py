"""What a socket address means, whatever it is dressed as, and whether it is one that everybody may reach.

The lists are those of the IANA special-purpose address registries (RFC 6890 and its updates), written out because
``ipaddress.is_global`` changed its mind between Python releases. For IPv6 it is the other way round: only global
unicast space is public, without what it contains of documentation, benchmarking, tunnels and protocol assignments.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import socket
import struct
from typing import Final, NamedTuple, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Longest address that is copied from a plugin: sizeof(struct sockaddr_storage).
ADDRESS_LIMIT_BYTES: Final = 128
_IPV4_BYTES: Final = 16
_IPV6_BYTES: Final = 24
_IPV6_WITH_SCOPE_BYTES: Final = 28

_NOT_PUBLIC_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
#: 2001::/23 holds Teredo, ORCHID and benchmarking; 6to4 is obsolete (RFC 7526) and hides an IPv4 address.
_NOT_PUBLIC_6: Final = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
#: RFC 6052: on an IPv6-only network this is how IPv4 is reached; the last 32 bits are the address that counts.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
LOOPBACK: Final = frozenset({ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")})


class Endpoint(NamedTuple):
    """Where a call wants to go.

    Attributes:
        family: AF_INET or AF_INET6, as it was written.
        address: what it means: an IPv4 address that was written as IPv6 is an IPv4 address here.
        port: 0 to 65535.
        scope: interface index of a link-local IPv6 address, else 0.
    """

    family: int
    address: Address
    port: int
    scope: int = 0

    def for_socket(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """Return the address in the form that a socket of the same family takes, made from what was judged."""
        if self.family == socket.AF_INET:
            return (str(self.address), self.port)
        literal = f"::ffff:{self.address}" if self.address.version == 4 else str(self.address)  # noqa: PLR2004
        return (literal, self.port, 0, self.scope)

    def __str__(self) -> str:
        """Render as in a URL."""
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"  # noqa: PLR2004


@functools.lru_cache(maxsize=1024)
def parse(raw: bytes) -> Endpoint | None:
    """Return what a ``struct sockaddr`` says, or None when it is not a whole IPv4 or IPv6 address.

    Args:
        raw: the bytes as the plugin passed them, copied once.
    """
    if len(raw) < _IPV4_BYTES:
        return None
    family, port = struct.unpack_from("=H", raw)[0], struct.unpack_from("!H", raw, 2)[0]
    if family == socket.AF_INET:
        return Endpoint(family, ipaddress.IPv4Address(raw[4:8]), port)
    if family != socket.AF_INET6 or len(raw) < _IPV6_BYTES:
        return None
    address = ipaddress.IPv6Address(raw[8:24])
    scope = struct.unpack_from("=I", raw, 24)[0] if len(raw) >= _IPV6_WITH_SCOPE_BYTES else 0
    return Endpoint(family, canonical(address), port, scope if address.is_link_local else 0)


def canonical(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for, and any other address as it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


@functools.lru_cache(maxsize=1024)
def is_public(address: Address) -> bool:
    """Tell whether an address is globally routed unicast: not loopback, private, link-local, metadata, multicast."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(address.packed[12:]))
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_6)


def is_own(address: Address) -> bool:
    """Tell whether an address is this host's: only those can be bound.

    Where ``ip_nonlocal_bind`` is set every address can, and every address is refused then.
    """
    family = socket.AF_INET if isinstance(address, ipaddress.IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((str(address), 0))
    except OSError as error:
        return error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}
    return True
