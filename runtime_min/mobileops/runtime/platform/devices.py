"""The devices that the kernel knows, and its word when one comes or goes.

Listed from sysfs (``/sys/class``, ``/sys/bus/usb/devices``); heard of at once by a netlink socket
(NETLINK_KOBJECT_UEVENT, group 1: the kernel's own messages; netlink(7), ``lib/kobject_uevent.c``). Everybody may
listen, but in a container's network namespace the kernel says nothing, and messages that come too fast are lost; so the
names in sysfs are compared every `LOOK_S` as well. Whichever notices first tells, the other finds that it is known.

========================= =====================================================
topic                     event
========================= =====================================================
``device.connected``      ``{"device_id", "subsystem", "name", "properties"}``
``device.disconnected``   the same
========================= =====================================================
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SYSFS: Final = Path("/sys")
#: Subsystem -> folder below /sys with a link for each device.
PLACES: Final = {
    name: f"class/{name}" for name in ("block", "bluetooth", "hidraw", "input", "net", "sound", "video4linux")
} | {"usb": "bus/usb/devices"}
#: Property -> file of a device's folder that has it.
PROPERTIES: Final = {
    "vendor": "idVendor",
    "model": "idProduct",
    "manufacturer": "manufacturer",
    "product": "product",
    "serial": "serial",
    "sectors": "size",
    "mac": "address",
}
MAX_DEVICES: Final = 10_000
MAX_MESSAGE_BYTES: Final = 16 << 10
MAX_VALUE_CHARACTERS: Final = 256
LOOK_S: Final = 2.0
_PROTOCOL: Final = 15
_KERNEL_GROUP: Final = 1
_TOLD: Final = ("subsystem", "name", "properties")


class KernelDevices:
    """Answers from this kernel."""

    def __init__(
        self, emit: Callable[[str, Mapping[str, Any]], int], *, sysfs: Path = SYSFS, look_s: float = LOOK_S
    ) -> None:
        """Watch nothing yet.

        Args:
            emit: sends an event.
            sysfs: ``/sys``.
            look_s: how often it is looked what is there, while it is watched.
        """
        self._emit = emit
        self._sysfs = sysfs
        self._look_s = look_s
        self._socket: socket.socket | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._known: dict[str, dict[str, Any]] = {}

    def devices(self) -> list[dict[str, Any]]:
        """Return ``{"id", "subsystem", "name", "properties"}`` of each device, by id."""
        return [self._device(subsystem, name) for subsystem, name in self._names()]

    def watch(self) -> str | None:
        """Emit events from now on, in the running event loop; return why only late, if the kernel cannot be heard."""
        self.close()
        self._known = {one["id"]: one for one in self.devices()}
        self._look_later()
        try:
            self._socket = _kernel_messages()
        except OSError as error:
            return f"devices are looked for every {self._look_s:g} s: the kernel cannot be heard: {error.strerror}"
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable, self._socket)
        return None

    def close(self) -> None:
        """Emit no more."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        if self._socket is not None:
            with suppress(RuntimeError):  # no loop runs any more
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(self._look_s, self._look)

    def _look(self) -> None:
        """Compare what is there with what is known, and tell the difference."""
        there = {f"{subsystem}:{name}": (subsystem, name) for subsystem, name in self._names()}
        for device_id in sorted(self._known.keys() - there.keys()):
            self._gone(device_id)
        for device_id in sorted(there.keys() - self._known.keys()):
            self._come(device_id, *there[device_id])
        self._look_later()

    def _readable(self, link: socket.socket) -> None:
        try:
            data, (sender, _groups) = link.recvfrom(MAX_MESSAGE_BYTES)
        except OSError:  # ENOBUFS: some were lost, because too many came at once
            return
        if sender == 0:  # the kernel, and nobody who pretends to be
            self.heard(data)

    def heard(self, data: bytes) -> None:
        """Take one message of the kernel; what is known already, or not listed, is no news."""
        _summary, *lines = data.decode("utf-8", "replace").split("\0")
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        action, subsystem = values.get("ACTION"), values.get("SUBSYSTEM", "")
        name = values.get("DEVPATH", "").rpartition("/")[2]
        if subsystem not in PLACES or not name:
            return
        device_id = f"{subsystem}:{name}"
        if action == "add" and device_id not in self._known:  # "udevadm trigger" repeats what is there
            self._come(device_id, subsystem, name)
        elif action == "remove" and device_id in self._known:
            self._gone(device_id)

    def _come(self, device_id: str, subsystem: str, name: str) -> None:
        self._known[device_id] = self._device(subsystem, name)
        self._tell("device.connected", self._known[device_id])

    def _gone(self, device_id: str) -> None:
        self._tell("device.disconnected", self._known.pop(device_id))

    def _tell(self, topic: str, device: Mapping[str, Any]) -> None:
        self._emit(topic, {"device_id": device["id"], **{key: device[key] for key in _TOLD}})

    def _names(self) -> list[tuple[str, str]]:
        """Return subsystem and name of each device, in order."""
        found = []
        for subsystem, place in sorted(PLACES.items()):
            folder = self._sysfs / place
            names = sorted(os.listdir(folder)) if folder.is_dir() else []  # noqa: PTH208 (names)
            found += [(subsystem, name) for name in names if (folder / name).is_dir()]
        return found[:MAX_DEVICES]

    def _device(self, subsystem: str, name: str) -> dict[str, Any]:
        folder = self._sysfs / PLACES[subsystem] / name
        properties = {key: value for key, file in PROPERTIES.items() if (value := _text(folder / file))}
        return {"id": f"{subsystem}:{name}", "subsystem": subsystem, "name": name, "properties": properties}


def _kernel_messages() -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, _PROTOCOL)
    try:
        link.bind((0, _KERNEL_GROUP))
    except OSError:
        link.close()
        raise
    return link


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(MAX_VALUE_CHARACTERS).strip()
    except OSError:
        return ""
