"""The plugin manager under a service manager: the unit for systemd, and sd_notify over a real datagram socket."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mobileops.runtime.manager.systemd_unit import SYSTEM_FOLDER
from tests.integration.conftest import TIMEOUT_S, Account, processes_of, wait_until
from tests.integration.versions import install

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Root's unit goes into a folder that only this process sees.
PRIVATE = f"mkdir -p {SYSTEM_FOLDER}; mount -t tmpfs none {SYSTEM_FOLDER}"


def unit_of(account: Account, *, spoil: str = "true") -> tuple[str, str]:
    """Have the unit written; return its text, and what ``systemd-analyze verify`` says of it.

    Args:
        account: whose unit it is.
        spoil: lines of shell before it is verified; ``$unit`` is its path.
    """
    place = account.folder / ".config/systemd/user" if account.is_user else SYSTEM_FOLDER
    whose = "--user" if account.is_user else "--system"
    lines = f"""
        {"true" if account.is_user else PRIVATE}
        unit={place}/mobileops.service
        test "$(mobileops daemon --install-unit)" = $unit
        cat $unit
        {spoil}
        echo ----
        XDG_RUNTIME_DIR={account.folder} systemd-analyze verify {whose} $unit 2>&1 || true
    """
    (account.folder / "unit.sh").write_text(lines)
    done = account.script(f"{'' if account.is_user else 'unshare --mount '}sh -eu unit.sh")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "enable --now mobileops.service" in done.stderr
    text, _marker, complaints = done.stdout.partition("----\n")
    return text, complaints


@contextmanager
def service_manager(account: Account) -> Iterator[socket.socket]:
    """A socket like systemd's, which the account may write to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(account.folder / "notify"))
        account.give(account.folder / "notify")
        receiver.settimeout(60)
        yield receiver


def test_the_unit_is_one_that_systemd_takes(account: Account) -> None:
    text, complaints = unit_of(account)
    ours = [line for line in complaints.splitlines() if "mobileops.service" in line]
    assert (ours, "Type=notify" in text, "Delegate=cpu memory pids" in text) == ([], True, True)
    _text, complaints = unit_of(account, spoil="sed -i s/^Type=/Typ=/ $unit")  # the control: it does read it
    assert "'Typ'" in complaints


def test_what_the_unit_starts_says_when_it_is_ready_and_alive_and_ending(account: Account) -> None:
    install(account)
    account.ok("enable", "echo")
    text, _complaints = unit_of(account)
    (command,) = [line.removeprefix("ExecStart=") for line in text.splitlines() if line.startswith("ExecStart=")]
    environment = {"NOTIFY_SOCKET": str(account.folder / "notify"), "WATCHDOG_USEC": "200000", "PATH": "/usr/bin:/bin"}
    with service_manager(account) as receiver:
        process = subprocess.Popen(
            shlex.split(command), env=environment, cwd="/", stderr=subprocess.PIPE, text=True, **account.identity
        )
        try:
            assert receiver.recv(100) == b"READY=1"
            assert processes_of(account.home) == [process.pid]
            account.ok("status", "echo", "--wait", "running", "--timeout", "60")  # the socket was there when it said so
            assert [receiver.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: receiver.recv(100) == b"STOPPING=1")
        finally:
            process.terminate()
            _out, err = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, "Traceback" in err) == (0, False)
    assert "the plugin manager stops" in account.ok("logs", "echo")


def test_a_unit_that_cannot_be_written_is_explained(account: Account) -> None:
    (account.folder / ".config").touch()
    inside = "mobileops daemon --install-unit"
    broken = f"unshare --mount sh -euc '{PRIVATE} -o ro; {inside}'"
    done = account.script(inside if account.is_user else broken)
    assert (done.returncode, "[MOP5205]" in done.stderr) == (4, True)
