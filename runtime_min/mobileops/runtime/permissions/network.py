"""The network part of a policy in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.manifest.permissions import Permission
from mobileops.runtime.permissions.statement import Section, Statement

if TYPE_CHECKING:
    from mobileops.runtime.isolation.network import Destination
    from mobileops.runtime.isolation.policy import SandboxPolicy

NAMESPACE: Final = "empty network namespace"
SECCOMP: Final = "seccomp filter"
BROKER: Final = "network broker"
_MEDIATED: Final = (BROKER, SECCOMP, NAMESPACE)
_PRIVATE: Final = (
    "reach a loopback, link-local, private, multicast or metadata address, or one of this host's own, "
    "unless a line above spells it"
)


def section(compiled: SandboxPolicy) -> Section:
    """Say what a plugin can reach on the network."""
    grants = compiled.network
    if grants is None:
        nothing = Statement("connect, accept connections, send datagrams or look up names", None, (SECCOMP, NAMESPACE))
        return Section("network", (), (nothing,))
    can = [Statement(f"connect by TCP to {_where(grant)}", grant.permission, _MEDIATED) for grant in grants.tcp]
    can += [Statement(f"exchange UDP with {_where(grant)}", grant.permission, _MEDIATED) for grant in grants.udp]
    can += [
        Statement(f"accept TCP connections on port {port}", f"network.listen:{port}", _MEDIATED)
        for port in grants.listen
    ]
    names = sorted({grant.host for grant in (*grants.tcp, *grants.udp) if grant.host is not None})
    if any(grant.host is None for grant in (*grants.tcp, *grants.udp)):
        can.append(Statement("look up every name; only public addresses are answered", None, (BROKER,)))
    elif names:
        can.append(Statement(f"look up {', '.join(names)}", None, (BROKER,)))
    cannot = [
        Statement("reach any other host, port or protocol", None, _MEDIATED),
        Statement(_PRIVATE, None, (BROKER,)),
    ]
    if not grants.listen:
        cannot.append(Statement("accept connections", None, _MEDIATED))
    return Section("network", tuple(can), tuple(cannot))


def _where(grant: Destination) -> str:
    host = "every public host" if grant.host is None else grant.host
    if Permission.parse(grant.permission).is_private:
        host = f"{host}, although it is not public"
    if grant.ports is None:
        return f"{host}, every port"
    return f"{host}, port {' and '.join(map(str, grant.ports))}"
