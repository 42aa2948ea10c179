"""Devices of a folder that looks like sysfs, and messages as the kernel writes them."""

from __future__ import annotations

import asyncio

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


def test_a_watch_knows_what_is_there_already_and_ends(devices, events):
    async def scenario():
        if devices.watch() is None:
            devices.heard(message("add"))
        devices.close()
        devices.close()

    asyncio.run(scenario())
    assert events == []


def test_a_kernel_that_says_nothing_is_a_reason_and_no_error(devices, monkeypatch):
    monkeypatch.setattr("mobileops.runtime.platform.devices._PROTOCOL", 31)

    async def scenario():
        return devices.watch()

    assert "cannot be read here" in asyncio.run(scenario())
