"""Whether one plugin may reach one address: its grants, what its names resolved to, and nothing it says itself.

A grant without a host is every public host. A grant with a name is the public addresses that the name server gave for
that name. A grant with an address is that address, public or not. ``localhost`` is the two loopback addresses. What
no packet should ever be sent to (0.0.0.0, ::) is refused whoever asks.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from mobileops.runtime.broker.addresses import LOOPBACK, Address, Endpoint, is_own, is_public
from mobileops.runtime.broker.names import Names, matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.isolation.network import Destination, NetworkGrants

Protocol: TypeAlias = Literal["tcp", "udp"]
_LOCALHOST: Final = "localhost"


class Verdict(NamedTuple):
    """One decision.

    Attributes:
        allowed: whether it may be done.
        permission: the permission that allows it, or that would if the address were public; None when there is none.
        reason: for the audit log.
        name: the name that the address was looked up by, if that decided.
    """

    allowed: bool
    permission: str | None
    reason: str
    name: str | None = None


class Judge:
    """Decides for one plugin.

    Args:
        grants: what the plugin may do.
        names: what its names resolved to.
        own: tells whether an address is the host's.
    """

    def __init__(self, grants: NetworkGrants, names: Names, *, own: Callable[[Address], bool] = is_own) -> None:
        self._grants = grants
        self._names = names
        self._own = own

    def reach(self, protocol: Protocol, endpoint: Endpoint) -> Verdict:
        """Decide about a connection, or a datagram."""
        address = endpoint.address
        if address.is_unspecified or endpoint.port == 0:
            return Verdict(allowed=False, permission=None, reason="no destination")
        best = Verdict(allowed=False, permission=None, reason=f"no permission for {protocol} port {endpoint.port}")
        for grant in self._of(protocol):
            if grant.ports is not None and endpoint.port not in grant.ports:
                continue
            verdict = self._by(grant, address)
            if verdict.allowed:
                return verdict
            best = verdict
        return best

    def may_listen(self, port: int) -> Verdict:
        """Decide about accepting TCP connections on a port."""
        if port in self._grants.listen:
            return Verdict(allowed=True, permission=f"network.listen:{port}", reason="granted")
        return Verdict(allowed=False, permission=None, reason=f"no permission to listen on port {port}")

    def may_resolve(self, name: str) -> Verdict:
        """Decide about looking up a name (lower case, no final dot)."""
        for grant in (*self._grants.tcp, *self._grants.udp):
            if grant.host is None or matches(grant.host, name):
                return Verdict(allowed=True, permission=grant.permission, reason="granted")
        return Verdict(allowed=False, permission=None, reason="no permission names this host")

    def may_answer(self, name: str, address: Address) -> bool:
        """Tell whether the name server gives out an address: a name must not lead where only an address may."""
        if name == _LOCALHOST:
            return address in LOOPBACK
        spelled = (_literal(grant.host) for grant in (*self._grants.tcp, *self._grants.udp))
        return self._is_open(address) or address in spelled

    def _of(self, protocol: Protocol) -> tuple[Destination, ...]:
        return self._grants.tcp if protocol == "tcp" else self._grants.udp

    def _by(self, grant: Destination, address: Address) -> Verdict:
        literal = _literal(grant.host)
        if literal is not None:
            return Verdict(literal == address, grant.permission, "granted" if literal == address else "another address")
        if grant.host == _LOCALHOST:
            return Verdict(address in LOOPBACK, grant.permission, "granted" if address in LOOPBACK else "not localhost")
        name = None
        if grant.host is not None:
            name = next((known for known in self._names.of(address) if matches(grant.host, known)), None)
            if name is None:
                return Verdict(
                    allowed=False, permission=grant.permission, reason=f"{grant.host} did not resolve to this address"
                )
        if self._is_open(address):
            return Verdict(allowed=True, permission=grant.permission, reason="granted", name=name)
        return Verdict(
            allowed=False,
            permission=grant.permission,
            reason="not a public address; a permission must spell it",
            name=name,
        )

    def _is_open(self, address: Address) -> bool:
        return is_public(address) and not self._own(address)


@functools.lru_cache(maxsize=1024)
def _literal(host: str | None) -> Address | None:
    """Return the address that a grant's host spells, or None when it is a name."""
    if host is None or (":" not in host and not host[-1].isdecimal()):
        return None
    return ipaddress.ip_address(host)
