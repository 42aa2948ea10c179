"""Devices of a folder that looks like sysfs, and messages as the kernel writes them."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from mobileops.runtime.platform.devices import KernelDevices


@pytest.fixture
def events():
    return []


@pytest.fixture
def devices(tmp_path, events):
    for place, name, files in (
        ("class/block", "sda", {"size": "2048"}),
        ("bus/usb/devices", "1-1", {"idVendor": "1d6b", "product": "Stick\n"}),
    ):
        folder = tmp_path / place / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text)
    return KernelDevices(lambda topic, event: events.append((topic, event)) or 1, sysfs=tmp_path)


def message(action, subsystem="usb", path="/devices/pci0/usb1/1-1"):
    lines = (f"{action}@{path}", f"ACTION={action}", f"DEVPATH={path}", f"SUBSYSTEM={subsystem}", "SEQNUM=5", "")
    return "\0".join(lines).encode()


def test_devices_are_listed_with_what_is_known_of_them(devices):
    assert [(one["id"], one["properties"]) for one in devices.devices()] == [
        ("block:sda", {"sectors": "2048"}),
        ("usb:1-1", {"vendor": "1d6b", "product": "Stick"}),
    ]


def test_a_device_that_comes_and_goes_is_told_once_each(devices, events):
    for action in ("add", "add", "remove", "remove"):
        devices.heard(message(action))
    assert [(topic, event["device_id"], event["properties"]["product"]) for topic, event in events] == [
        ("device.connected", "usb:1-1", "Stick"),
        ("device.disconnected", "usb:1-1", "Stick"),
    ]


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\0\xff", message("change"), message("add", "module"), message("add", path=""), b"add@/x\0ACTION"],
)
def test_what_is_no_news_is_dropped(devices, events, data):
    devices.heard(data)
    assert events == []


def looked(devices, *changes):
    """Watch, and have the devices looked at after each change; return what `watch` says."""

    async def scenario():
        word = devices.watch()
        for change in changes:
            change()
            devices._look()
        devices.close()
        return word

    return asyncio.run(scenario())


def test_what_is_there_when_a_watch_begins_is_no_news(devices, events):
    looked(devices, lambda: devices.heard(message("add")))
    assert events == []


def test_what_the_kernel_does_not_say_is_seen_by_looking_and_told_once(devices, events, tmp_path):
    stick = tmp_path / "bus/usb/devices/1-2"
    looked(
        devices,
        stick.mkdir,
        lambda: devices.heard(message("add", path="/devices/usb1/1-2")),
        stick.rmdir,
        lambda: devices.heard(message("remove", path="/devices/usb1/1-2")),
    )
    assert [(topic, event["device_id"]) for topic, event in events] == [
        ("device.connected", "usb:1-2"),
        ("device.disconnected", "usb:1-2"),
    ]


def test_a_look_comes_by_itself_until_the_watch_ends(devices, events, tmp_path):
    async def scenario():
        devices._look_s = 0.001
        devices.watch()
        (tmp_path / "class/block/sdb").mkdir()
        while not events:  # noqa: ASYNC110  what is waited for is a callback of the loop
            await asyncio.sleep(0.001)
        devices.close()
        devices.close()
        (tmp_path / "class/block/sdc").mkdir()
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert [event["device_id"] for _topic, event in events] == ["block:sdb"]


def test_a_watch_that_ended_begins_anew_with_what_is_there_then(devices, events, tmp_path):
    looked(devices)
    (tmp_path / "class/block/sdb").mkdir()
    looked(devices)
    assert events == []


class Unbindable(socket.socket):
    def bind(self, _address):
        raise PermissionError(1, "Operation not permitted")


def no_netlink(*_arguments):
    raise OSError(93, "Protocol not supported")


@pytest.mark.parametrize("refusal", [no_netlink, Unbindable])
def test_where_the_kernel_cannot_be_heard_devices_are_looked_for_and_it_is_said(
    devices, events, tmp_path, monkeypatch, refusal
):
    stand_in = SimpleNamespace(**{**vars(socket), "socket": refusal})
    monkeypatch.setattr("mobileops.runtime.platform.devices.socket", stand_in)
    word = looked(devices, (tmp_path / "class/block/sdb").mkdir)
    assert word.startswith("devices are looked for every 2 s: ")
    assert [topic for topic, _event in events] == ["device.connected"]
