"""``start``, with the manager that it starts and the sandboxed plugin, on a host without a network."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration import without_internet_sockets
from tests.integration.conftest import processes_of

if TYPE_CHECKING:
    from tests.integration.conftest import Account

CONTROL = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"


def alone(account: Account, command: str) -> str:
    """Return a command line for the shell, in an empty network namespace and under the filter."""
    program = Path(shutil.copy(without_internet_sockets.__file__, account.folder))
    program.chmod(0o644)
    namespace = "unshare --map-current-user --net" if account.identity or os.geteuid() != 0 else "unshare --net"
    return f"{namespace} python {shlex.quote(str(program))} {command}"


def test_whoever_makes_a_socket_of_the_internet_is_killed(account: Account) -> None:
    done = account.script(f"{alone(account, f'python -c {shlex.quote(CONTROL)}')} || echo $?")
    assert done.stdout == f"{128 + signal.SIGSYS}\n", done.stderr


def test_a_plugin_starts_without_a_socket_of_the_internet_and_in_an_empty_network(installed: Account) -> None:
    installed.run("daemon", "--stop")
    done = installed.script(alone(installed, "mobileops start my-plugin --json"))
    assert done.returncode == 0, done.stderr
    assert installed.json("status", "my-plugin", "--json")["state"] == "running"
    managers = [Path(f"/proc/{pid}") for pid in processes_of(installed.home)]
    assert managers
    for manager in managers:  # the control: it is these processes that the filter and the namespace were for
        assert (manager / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        assert "Seccomp:\t2" in (manager / "status").read_text()
    assert installed.json("call", "my-plugin", "process_data", '{"key": "value"}')["status"] == "success"
