"""`mobileops.runtime.manager.notification` and `.systemd_unit`: what systemd is told, and what it is given."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.manager import systemd_unit
from mobileops.runtime.manager.notification import Notifier
from tests.fakes.manual_timers import ManualTimers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service_manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def received(end: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(end.recv(4096).decode())
        except BlockingIOError:
            return found


def test_readiness_signs_of_life_and_the_end_are_told(service_manager: socket.socket) -> None:
    timers = ManualTimers()
    notifier = Notifier({"NOTIFY_SOCKET": service_manager.getsockname(), "WATCHDOG_USEC": "4000000"})
    notifier.ready(timers)
    assert received(service_manager) == ["READY=1", "WATCHDOG=1"]
    timers.advance(6)
    assert received(service_manager) == ["WATCHDOG=1"] * 3
    notifier.stopping()
    assert received(service_manager) == ["STOPPING=1"]


def test_an_abstract_address_is_understood() -> None:
    name = f"mobileops-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).status("serving")
        assert end.recv(100) == b"STATUS=serving"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "soon"}])
def test_nobody_who_listens_is_no_error(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    notifier.ready(ManualTimers())
    notifier.stopping()


def test_a_watchdog_of_another_process_is_not_fed(service_manager: socket.socket) -> None:
    words = {"NOTIFY_SOCKET": service_manager.getsockname(), "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}
    Notifier(words).ready(ManualTimers())
    assert received(service_manager) == ["READY=1"]


@pytest.mark.parametrize("is_system", [True, False])
def test_a_unit_leaves_the_plugin_manager_what_sandboxes_are_made_of(is_system: bool) -> None:
    unit = systemd_unit.text(["/opt/my tools/python", "--home", "/srv/100%"], is_system=is_system)
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    assert settings["Type"] == "notify"
    assert settings["ExecStart"] == '"/opt/my tools/python" --home "/srv/100%%"'
    assert not settings.keys() & {"RestrictNamespaces", "PrivateUsers", "ProtectProc", "ProtectKernelTunables"}


def test_units_lie_where_systemd_looks_for_them() -> None:
    assert str(systemd_unit.path(Path("/x"), is_system=True)) == "/etc/systemd/system/mobileops.service"
    assert str(systemd_unit.path(Path("/x"), is_system=False)) == "/x/systemd/user/mobileops.service"
