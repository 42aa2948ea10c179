"""The permission grammar and the order on permissions.

A permission is ``NAME`` or ``NAME:ARGUMENT``; which names exist, and what their arguments look like, is in the
catalogue ``schema/permissions/v1``. Each permission stands for a set of acts, and ``covers`` is inclusion of sets::

    covers(p, p)                                            reflexive
    covers(a, b) and covers(b, c)  implies  covers(a, c)    transitive
    covers(a, b) and covers(b, a)  implies  str(a) == str(b)    antisymmetric, on normal forms
    parse(str(p)) == p

The acts behind network permissions are pairs of destination and port:

- ``network`` is every port of every public destination over TCP, ``network.http`` its ports 80 and 443,
  ``network.tcp:PORT`` one port of it; a host narrows the last two.
- ``*.example.com`` is every name below ``example.com``, not ``example.com`` itself.
- A loopback, link-local, private or otherwise non-public address, and ``localhost``, is covered only by a permission
  that spells it: ``network`` does not cover ``network.tcp:127.0.0.1:8080``.

``events.publish:a.*`` is every topic below ``a``; ``*`` is every topic. ``filesystem.read:/a`` is ``/a`` and all
beneath it; ``filesystem.write`` does not imply ``filesystem.read``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.manifest import topics
from mobileops.manifest._generated import PERMISSIONS, permission_problems
from mobileops.manifest._problems import Problem
from mobileops.manifest._report import findings

if TYPE_CHECKING:
    from collections.abc import Iterable

HTTP_PORTS: Final = frozenset({80, 443})


class Permission(NamedTuple):
    """One checked permission in normal form; ``parse`` is the way to make one.

    Attributes:
        name: dotted name in the catalogue, such as ``network.tcp``.
        argument: text after the colon in normal form, or None for the bare form.
    """

    name: str
    argument: str | None = None

    @classmethod
    def parse(cls, text: str, *, where: str = "permission") -> Permission:
        """Return the permission that ``text`` spells, in normal form.

        Raises:
            ManifestError: the name is unknown or the argument does not fit (``MOP12xx``).
        """
        permission = interpret(text)
        if isinstance(permission, Permission):
            return permission
        from mobileops.errors import ManifestError  # noqa: PLC0415 - a good manifest does not pay for the class

        raise ManifestError(tuple(findings(permission, where)), where=where)

    @property
    def family(self) -> str:
        """Return the first part of the name, such as ``network`` or ``filesystem``."""
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        """Return the name without its family: ``tcp``, ``platform.ai``, or the empty string for ``network``."""
        return self.name.partition(".")[2]

    @property
    def host(self) -> str | None:
        """Return the host of a network permission (no brackets), or None for any public one."""
        if self.family != "network" or self.argument is None:
            return None
        if self.name == "network.http":
            return self.argument.strip("[]")
        return self.argument.rpartition(":")[0].strip("[]") or None

    @property
    def port(self) -> int | None:
        """Return the port of ``network.tcp``, ``.udp`` and ``.listen``, else None."""
        if self.family != "network" or self.name == "network.http" or self.argument is None:
            return None
        return int(self.argument.rpartition(":")[2])

    @property
    def ports(self) -> frozenset[int] | None:
        """Return the ports a network permission opens, or None for all of them."""
        if self.name == "network.http":
            return HTTP_PORTS
        return None if self.port is None else frozenset({self.port})

    @property
    def path(self) -> str | None:
        """Return the absolute path of a file system permission, or None for the whole file system."""
        return self.argument if self.family == "filesystem" else None

    @property
    def topic(self) -> str | None:
        """Return the topic pattern of an events permission, else None."""
        return self.argument if self.family == "events" else None

    @property
    def is_private(self) -> bool:
        """Tell whether the host is ``localhost`` or an address that is not publicly routed."""
        host = self.host
        if host is None:
            return False
        if ":" not in host and not host[-1].isdecimal():
            return host == "localhost" or host.endswith(".localhost")
        import ipaddress  # noqa: PLC0415 - only address literals pay for it

        address = ipaddress.ip_address(host)
        return not address.is_global or address.is_multicast

    @property
    def is_broad(self) -> bool:
        """Tell whether this is a bare form that grants so much that validation warns of it."""
        return self.argument is None and PERMISSIONS[self.name][2] is not None

    @property
    def narrower(self) -> str | None:
        """Return what to write instead of a broad form, as advice."""
        return PERMISSIONS[self.name][2] if self.is_broad else None

    @property
    def title(self) -> str:
        """Return the catalogue's one line about the permission's name."""
        return PERMISSIONS[self.name][1]

    @property
    def risk(self) -> str:
        """Return how much a device trusts a plugin that has it: ``low``, ``medium`` or ``high``."""
        return PERMISSIONS[self.name][0]

    def __str__(self) -> str:
        """Return the normal form."""
        return self.name if self.argument is None else f"{self.name}:{self.argument}"


def interpret(text: str) -> Permission | list[Problem]:
    """Return the permission that a text spells, or everything that is wrong with it."""
    if problems := permission_problems(text):
        return problems
    name, _, argument = text.partition(":")
    normal = _normal(name, argument) if argument else None
    return [normal] if isinstance(normal, Problem) else Permission(name, normal)


def covers(granted: Permission, needed: Permission) -> bool:
    """Tell whether everything that ``needed`` allows is allowed by ``granted`` alone."""
    if granted.family == needed.family == "network":
        return _network_covers(granted, needed)
    if granted.name != needed.name:
        # Only api.platform has names below its own; a family is not a permission.
        return granted.argument is None and needed.name.startswith(f"{granted.name}.")
    if granted.argument is None or granted.argument == needed.argument:
        return True
    if needed.argument is None:
        return False
    if granted.family == "filesystem":
        return needed.argument.startswith(f"{granted.argument}/")
    return granted.family == "events" and topics.covers(granted.argument, needed.argument)


def allows(granted: Iterable[Permission], needed: Permission) -> bool:
    """Tell whether any single one of ``granted`` covers ``needed``."""
    return any(covers(permission, needed) for permission in granted)


def _network_covers(granted: Permission, needed: Permission) -> bool:
    """Compare protocol, ports and hosts: each of the three must be included."""
    if _protocol(granted) != _protocol(needed):
        return False
    if granted.ports is not None and (needed.ports is None or not needed.ports <= granted.ports):
        return False
    if granted.host == needed.host:
        return True
    if granted.host is None:
        return not needed.is_private
    return needed.host is not None and granted.host.startswith("*.") and needed.host.endswith(granted.host[1:])


def _protocol(permission: Permission) -> str:
    """Return what is spoken: only ``udp`` and ``listen`` are not outgoing TCP."""
    return permission.verb if permission.verb in {"udp", "listen"} else "tcp"


def _normal(name: str, argument: str) -> str | Problem | None:
    """Return the argument in normal form: one spelling for each path and address; or why it has none."""
    if name.startswith("filesystem."):
        return argument.rstrip("/") or None
    if argument.startswith("["):
        literal, bracket, port = argument[1:].partition("]")
        address = _ipv6(literal)
        return address if isinstance(address, Problem) else f"[{address}{bracket}{port}"
    return argument


def _ipv6(literal: str) -> str | Problem:
    """Return the RFC 5952 spelling of an IPv6 address, or that it is none or hides an IPv4 address."""
    import ipaddress  # noqa: PLC0415 - only address literals pay for it

    try:
        address = ipaddress.IPv6Address(literal)
    except ValueError:
        address = None
    if address is None or address.ipv4_mapped is not None:
        what = (
            f"{literal!r} is not an IPv6 address" if address is None else f"{literal!r} is an IPv4 address in disguise"
        )
        fix = "write it like [2001:db8::1]" if address is None else f"write {address.ipv4_mapped}"
        return Problem("MOP1205", "", what, fix)
    return address.compressed
