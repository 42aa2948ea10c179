"""The plugin manager's side of the network broker: start it when it is first needed, and hand it plugins.

Not every plugin has a network permission, so not every plugin manager has a broker. When it ends, running plugins have
no network any more and `Broker.alive` says so; the next plugin that needs one starts another.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime import audit
from mobileops.runtime.broker import process
from mobileops.runtime.isolation.network import to_plain
from mobileops.runtime.launching import privileged_ports

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.isolation.network import NetworkGrants

START_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 5.0
#: All of the broker's environment. Its locale decides nothing; one malloc arena is enough for small objects.
ENVIRONMENT: Final = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "PATH": "/usr/bin:/bin"}


class Broker:
    """Owns the broker's process.

    Args:
        zygote: pid of a process in the zygote's user namespace.
        folder: where the audit files are.
    """

    def __init__(self, zygote: int, folder: Path) -> None:
        self._folder = folder
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptors = [theirs.fileno()]
        if os.geteuid() == 0:
            descriptors.append(os.open(f"/proc/{zygote}/ns/user", os.O_RDONLY | os.O_CLOEXEC))
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter, our own file)
                [os.path.realpath(sys.executable), "-I", "-S", "-B", process.__file__, *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        finally:
            theirs.close()
            for descriptor in descriptors[1:]:
                os.close(descriptor)
        self._greet()

    @property
    def pid(self) -> int:
        """Return its process id; for status reports."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    def fileno(self) -> int:
        """Return a descriptor that is readable when the broker has ended."""
        return self._control.fileno()

    def expect(self, plugin: str, grants: NetworkGrants) -> socket.socket:
        """Announce a plugin; return the end of a socket that its process hands its listener over with.

        Raises:
            IsolationRefused: it may listen on a port that this account may not bind (MOP4103).
            HostFault: the broker is gone (MOP4102), or the audit files cannot be opened (MOP4105).
        """
        ports = privileged_ports.privileged(grants.listen)
        privileged_ports.check(plugin, ports)
        try:
            files = audit.open_files(self._folder, plugin, "broker")
        except OSError as error:
            raise _unwritable(plugin, error, self._folder) from error
        ours, theirs = socket.socketpair()
        message = json.dumps({"plugin": plugin, "grants": to_plain(grants)}).encode()
        opened = [theirs.detach(), *files]
        if ports:
            opened.append(privileged_ports.serve(ports).detach())
        try:
            socket.send_fds(self._control, [message], opened)
        except OSError as error:
            ours.close()
            raise _gone(str(error)) from error
        finally:
            for descriptor in opened:
                os.close(descriptor)
        return ours

    def close(self) -> None:
        """End the broker; plugins have no network from now on."""
        self._control.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _greet(self) -> None:
        self._control.settimeout(START_TIMEOUT_S)
        try:
            answer = self._control.recv(len(process.READY))
        except OSError as error:
            self.close()
            raise _gone(str(error)) from error
        if answer != process.READY:
            self.close()
            raise _gone(f"it ended at once, with status {self._process.returncode}")
        self._control.settimeout(None)


def _unwritable(plugin: str, error: OSError, folder: Path) -> HostFault:
    return HostFault(
        f"the network decisions about {plugin!r} cannot be written down: {error.strerror}",
        code="MOP4105",
        where=str(error.filename or folder),
        why="a plugin gets no network that is not in the audit log",
        fix="make room, or make the folder writable for the plugin manager's account",
    )


def _gone(why: str) -> HostFault:
    return HostFault(
        "the network broker does not serve",
        code="MOP4102",
        why=why,
        fix="start the plugin again; 'mobileops logs --daemon' has more if it keeps failing",
    )
