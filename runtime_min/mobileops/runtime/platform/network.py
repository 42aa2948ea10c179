"""The device's network interfaces, from the kernel: sysfs for what they are, netlink for their addresses.

Sources: ``Documentation/ABI/testing/sysfs-class-net``, rtnetlink(7) RTM_GETADDR.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSFS: Final = Path("/sys/class/net")
MAX_INTERFACES: Final = 1024
MAX_REPLY_BYTES: Final = 4 << 20
_READ_BYTES: Final = 1 << 16

_TYPES: Final = {1: "ethernet", 772: "loopback", 768: "tunnel", 769: "tunnel", 776: "tunnel", 778: "tunnel"}
_TYPES_WITHOUT_HARDWARE: Final = {65534: "tunnel"}  # ARPHRD_NONE: tun, wireguard
_HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr
_ADDRESS: Final = struct.Struct("=BBBBi")  # struct ifaddrmsg
_ATTRIBUTE: Final = struct.Struct("=HH")  # struct rtattr
_GETADDR: Final = 22
_NEWADDR: Final = 20
_DONE: Final = 3
_ERROR: Final = 2
_REQUEST_DUMP: Final = 0x301
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2


class KernelNetwork:
    """Answers from this kernel, for the network namespace that the plugin manager is in."""

    def __init__(self, *, sysfs: Path = SYSFS) -> None:
        """Read below a folder.

        Args:
            sysfs: ``/sys/class/net``.
        """
        self._sysfs = sysfs

    def status(self) -> dict[str, Any]:
        """Return ``{"online", "interfaces": [{"name", "type", "state", "addresses", "mac", "mtu"}]}``."""
        addresses = _addresses()
        names = sorted(os.listdir(self._sysfs))[:MAX_INTERFACES] if self._sysfs.is_dir() else []  # noqa: PTH208 (names)
        interfaces = [found for name in names if (found := self._interface(name, addresses)) is not None]
        return {"online": any(map(_reaches_beyond, interfaces)), "interfaces": interfaces}

    def _interface(self, name: str, addresses: dict[int, list[str]]) -> dict[str, Any] | None:
        folder = self._sysfs / name
        if not folder.is_dir():  # bonding_masters is a file; and one may have gone meanwhile
            return None
        mac = _text(folder / "address")
        state = _text(folder / "operstate")
        return {
            "name": name,
            "type": _type(folder),
            "state": state if state in {"up", "down"} else "unknown",
            "addresses": sorted(addresses.get(_number(folder / "ifindex"), []), key=lambda one: (":" in one, one)),
            "mac": mac if mac.strip("0:") else None,
            "mtu": _number(folder / "mtu"),
        }


def _type(folder: Path) -> str:
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wireless"
    if (folder / "bridge").exists():
        return "bridge"
    number = _number(folder / "type")
    if (folder / "tun_flags").exists() or number in _TYPES_WITHOUT_HARDWARE:
        return "tunnel"
    return _TYPES.get(number, "other")


def _reaches_beyond(interface: dict[str, Any]) -> bool:
    found = [ipaddress.ip_interface(text) for text in interface["addresses"]]
    beyond = any(not (one.is_link_local or one.is_loopback) for one in found)
    return interface["state"] != "down" and interface["type"] != "loopback" and beyond


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")[:256].strip()
    except OSError:  # some files of an interface cannot be read while it is down
        return ""


def _number(path: Path) -> int:
    with suppress(ValueError):
        return int(_text(path))
    return 0


def _addresses() -> dict[int, list[str]]:
    """Return interface index -> addresses with prefix length, as RTM_GETADDR dumps them."""
    found: dict[int, list[str]] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as link:
        link.bind((0, 0))
        body = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        link.send(_HEADER.pack(_HEADER.size + len(body), _GETADDR, _REQUEST_DUMP, 1, 0) + body)
        for payload in _dumped(link):
            family, prefix, _flags, _scope, index = _ADDRESS.unpack_from(payload)
            raw = _best(payload)
            if raw is not None and family in {socket.AF_INET, socket.AF_INET6}:
                found.setdefault(index, []).append(f"{ipaddress.ip_address(raw)}/{prefix}")
    return found


def _dumped(link: socket.socket) -> Iterator[memoryview]:
    """Yield the payload of every RTM_NEWADDR of a dump."""
    total = 0
    while total < MAX_REPLY_BYTES:
        data = memoryview(link.recv(_READ_BYTES))
        total += len(data)
        while len(data) >= _HEADER.size:
            length, kind, *_rest = _HEADER.unpack_from(data)
            if kind in {_DONE, _ERROR} or length < _HEADER.size:
                return
            if kind == _NEWADDR:
                yield data[_HEADER.size : length]
            data = data[(length + 3) & ~3 :]


def _best(payload: memoryview) -> bytes | None:
    """Return the interface's own address: IFA_LOCAL where there is one (point-to-point links), else IFA_ADDRESS."""
    found: dict[int, bytes] = {}
    at = _ADDRESS.size
    while at + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = bytes(payload[at + _ATTRIBUTE.size : at + length])
        at += (length + 3) & ~3
    return found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
