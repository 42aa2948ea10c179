"""A `Launcher` without a sandbox: it runs test plugins, which are harmless, as plain child processes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from mobileops.runtime.channel import arena
from mobileops.runtime.launching.launched import Exit, Launched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.errors import IsolationRefused
    from mobileops.runtime.isolation.policy import SandboxPolicy

CHILD = """
import os, socket, sys
from pathlib import Path
import msgspec
from mobileops.plugin import host as hosts
from mobileops.plugin.loading import search_path
from mobileops.runtime.sandboxed import worker
from mobileops.runtime.channel.blocking import BlockingChannel
sys.dont_write_bytecode = True
app = Path(sys.argv[2])
channel = BlockingChannel(socket.socket(fileno=int(sys.argv[1])))
assignment = msgspec.msgpack.decode(bytes.fromhex(sys.argv[3]))
host = worker.WorkerHost(channel, assignment, app=app)
hosts.attach(host)
sys.path[:0] = search_path(app)
if "debugger" in assignment:
    from mobileops.runtime.sandboxed.debugger import await_editors
    await_editors(host, assignment["debugger"])
os._exit(worker.run(host, app=app, on_gone=lambda: os._exit(1)))
"""

ENTRY_CHILD = """
import importlib, socket, sys
import msgspec
module, _colon, function = sys.argv[4].partition(":")
assignment = msgspec.msgpack.decode(bytes.fromhex(sys.argv[3]))
getattr(importlib.import_module(module), function)(socket.socket(fileno=int(sys.argv[1])), assignment)
"""


class UnconfinedLauncher:
    """Launches worker processes and reports their ends, like the real one."""

    level = "NO-NAMESPACE"

    def __init__(self) -> None:
        self._signal, self._signalled = socket.socketpair()
        self._signalled.setblocking(False)
        self._exits: list[Exit] = []
        self._threads: list[threading.Thread] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self.refusal: IsolationRefused | None = None
        self.alive = True
        self.broker: socket.socket | None = None

    def start(self) -> None:
        """Nothing to start."""

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a process ended."""
        return self._signalled.fileno()

    def launch(
        self,
        policy: SandboxPolicy,
        assignment: Mapping[str, Any],
        *,
        entry: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> Launched:
        """Start a worker on the plugin's installed folder, or another entry."""
        if self.refusal is not None:
            raise self.refusal
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        shared = arena.create()
        told, passed, debugger = {**assignment, "arena": shared}, [theirs.fileno(), shared], None
        if policy.debugger is not None:
            debugger, entrance = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            passed.append(entrance.detach())
            told["debugger"] = {"package": policy.debugger, "socket": passed[-1]}
        words = [
            sys.executable,
            "-c",
            ENTRY_CHILD if entry else CHILD,
            str(theirs.fileno()),
            policy.app,
            msgspec.msgpack.encode(told).hex(),
            entry,
        ]
        process = subprocess.Popen(words, pass_fds=passed, stdout=write_end, stderr=write_end)
        theirs.close()
        for entrance_fd in passed[2:]:
            os.close(entrance_fd)
        os.close(write_end)
        self._processes.append(process)
        number = len(self._processes)
        thread = threading.Thread(target=self._wait, args=(number, process), daemon=True)
        self._threads.append(thread)
        pidfd = os.pidfd_open(process.pid)
        thread.start()
        return Launched(number, process.pid, pidfd, ours, read_end, shared, level="NO-NAMESPACE", debugger=debugger)

    def read_exits(self) -> list[Exit]:
        """Return the ends since the last call."""
        with contextlib.suppress(BlockingIOError):
            self._signalled.recv(100)
        exits, self._exits = self._exits, []
        return exits

    def running(self) -> int:
        """Return how many processes have not ended."""
        return sum(process.poll() is None for process in self._processes)

    def close(self) -> None:
        """Kill what runs and close everything."""
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join(10)
        self._signal.close()
        self._signalled.close()

    def _wait(self, number: int, process: subprocess.Popen[bytes]) -> None:
        status = process.wait()
        self._exits.append(Exit(number, status))
        self._signal.send(b"x")
