"""The network's state, as this kernel says it, and as a folder that looks like sysfs says it."""

from __future__ import annotations

import subprocess
import sys

from mobileops.runtime.platform.network import KernelNetwork


def interface(folder, name, **files):
    values = {"ifindex": "4000000", "type": "1", "operstate": "up", "address": "02:00:00:00:00:01", "mtu": "1500"}
    for key, value in (values | files).items():
        path = folder / name / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")


def test_the_loopback_is_there_with_its_address():
    status = KernelNetwork().status()
    loopback = next(one for one in status["interfaces"] if one["name"] == "lo")
    assert loopback["type"] == "loopback"
    assert loopback["mac"] is None


PROGRAM = """
import fcntl, socket, struct
from pathlib import Path
with socket.socket() as any_socket:
    address = struct.pack("16sHH4s8x", b"lo", socket.AF_INET, 0, socket.inet_aton("192.0.2.9"))
    fcntl.ioctl(any_socket, 0x8916, address)  # SIOCSIFADDR, netdevice(7)
from mobileops.runtime.platform import network
print(network._addresses(), network.KernelNetwork(sysfs=Path("/nowhere")).status())
"""


def test_addresses_are_those_that_the_kernel_has():
    words = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "'192.0.2.9/24'" in done.stdout
    assert "'online': False" in done.stdout


def test_each_kind_is_told_apart(tmp_path):
    interface(tmp_path, "eth0")
    interface(tmp_path, "wlan0", **{"wireless/status": "0"})
    interface(tmp_path, "br0", **{"bridge/bridge_id": "x"})
    interface(tmp_path, "tun0", type="65534", operstate="unknown")
    interface(tmp_path, "odd0", type="12345", operstate="dormant")
    (tmp_path / "bonding_masters").write_text("")
    found = {one["name"]: (one["type"], one["state"]) for one in KernelNetwork(sysfs=tmp_path).status()["interfaces"]}
    assert found == {
        "br0": ("bridge", "up"),
        "eth0": ("ethernet", "up"),
        "odd0": ("other", "unknown"),
        "tun0": ("tunnel", "unknown"),
        "wlan0": ("wireless", "up"),
    }


def test_what_cannot_be_read_is_empty_and_no_error(tmp_path):
    (tmp_path / "eth0").mkdir()
    (only,) = KernelNetwork(sysfs=tmp_path).status()["interfaces"]
    assert (only["mtu"], only["mac"], only["state"], only["addresses"]) == (0, None, "unknown", [])
