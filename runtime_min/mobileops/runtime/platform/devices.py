"""The devices that the kernel knows, and its word when one comes or goes.

Listed from sysfs (``/sys/class``, ``/sys/bus/usb/devices``); heard of by a netlink socket (NETLINK_KOBJECT_UEVENT,
group 1: the kernel's own messages; netlink(7), ``lib/kobject_uevent.c``). Everybody may listen, in the network
namespace that the kernel reports to: in a container that has another one nothing is heard, which looks like silence.

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
_PROTOCOL: Final = 15
_KERNEL_GROUP: Final = 1
_TOPICS: Final = {"add": "device.connected", "remove": "device.disconnected"}


class KernelDevices:
    """Answers from this kernel."""

    def __init__(self, emit: Callable[[str, Mapping[str, Any]], int], *, sysfs: Path = SYSFS) -> None:
        """Listen to nothing yet.

        Args:
            emit: sends an event.
            sysfs: ``/sys``.
        """
        self._emit = emit
        self._sysfs = sysfs
        self._socket: socket.socket | None = None
        self._known: dict[str, dict[str, Any]] = {}

    def devices(self) -> list[dict[str, Any]]:
        """Return ``{"id", "subsystem", "name", "properties"}`` of each device, by id."""
        found = []
        for subsystem, place in sorted(PLACES.items()):
            folder = self._sysfs / place
            names = sorted(os.listdir(folder)) if folder.is_dir() else []  # noqa: PTH208 (names)
            found += [self._device(subsystem, name) for name in names if (folder / name).is_dir()]
        return found[:MAX_DEVICES]

    def watch(self) -> str | None:
        """Emit events from now on, in the running event loop; return why not, if it cannot."""
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, _PROTOCOL
            )
            self._socket.bind((0, _KERNEL_GROUP))
        except OSError as error:
            self.close()
            return f"the kernel's device messages cannot be read here: {error.strerror}"
        self._known = {one["id"]: one for one in self.devices()}
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable, self._socket)
        return None

    def close(self) -> None:
        """Emit no more."""
        if self._socket is not None:
            with suppress(RuntimeError):  # no loop runs any more
                asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

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
        topic = _TOPICS.get(values.get("ACTION", ""))
        subsystem, name = values.get("SUBSYSTEM", ""), values.get("DEVPATH", "").rpartition("/")[2]
        if topic is None or subsystem not in PLACES or not name:
            return
        device_id = f"{subsystem}:{name}"
        if (topic == "device.connected") == (device_id in self._known):
            return  # "udevadm trigger" repeats what is there
        if topic == "device.connected":
            device = self._known[device_id] = self._device(subsystem, name)
        else:
            device = self._known.pop(device_id)
        self._emit(topic, {"device_id": device_id, **{key: device[key] for key in ("subsystem", "name", "properties")}})

    def _device(self, subsystem: str, name: str) -> dict[str, Any]:
        folder = self._sysfs / PLACES[subsystem] / name
        properties = {key: value for key, file in PROPERTIES.items() if (value := _text(folder / file))}
        return {"id": f"{subsystem}:{name}", "subsystem": subsystem, "name": name, "properties": properties}


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(MAX_VALUE_CHARACTERS).strip()
    except OSError:
        return ""
