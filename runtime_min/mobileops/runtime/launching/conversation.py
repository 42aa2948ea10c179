"""The zygote's process and what is said with it; `zygote` has the protocol, `launcher` says what to ask for."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from mobileops.errors import HostFault
from mobileops.runtime.isolation import refusal
from mobileops.runtime.isolation.child import MESSAGE_LIMIT_BYTES
from mobileops.runtime.launching import spawning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.runtime.isolation.child import Request

START_TIMEOUT_S: Final = 30.0
LAUNCH_TIMEOUT_S: Final = 15.0
CLOSE_TIMEOUT_S: Final = 5.0
_STDERR_LIMIT_BYTES: Final = 4096
_DESCRIPTOR: Final = struct.Struct("=i")


class Conversation:
    """A zygote that stands; made by `begin`.

    Args:
        process: what it hangs on.
        control: where it is asked.
        exits: where it reports the ends of its children.
    """

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, exits: socket.socket) -> None:
        self._process = process
        self._control = control
        self._exits = exits

    @classmethod
    def begin(cls, config: Mapping[str, Any], trees: socket.socket) -> Self:
        """Start a zygote and wait until it is jailed.

        Args:
            config: the first message.
            trees: its end of the socket for granted paths; closed here.

        Raises:
            IsolationRefused: a step failed, and the code says which; nothing is left running.
        """
        control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        exits, their_exits = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        noise = os.memfd_create("zygote-stderr")
        try:
            with their_control, their_exits, trees:
                descriptors = (their_control.fileno(), their_exits.fileno(), trees.fileno())
                begun = cls(spawning.spawn(descriptors, noise), control, exits)
            try:
                begun._greet(config, noise)
            except BaseException:
                begun.close()
                raise
        except BaseException:
            control.close()
            exits.close()
            raise
        finally:
            os.close(noise)
        return begun

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return the pid of the process that it hangs on."""
        return self._process.pid

    def fileno(self) -> int:
        """Return the descriptor that is readable when `read_exit` has something to say."""
        return self._exits.fileno()

    def ask(self, request: Request, descriptors: Sequence[int]) -> int:
        """Ask for one plugin process and wait for its process descriptor.

        Raises:
            IsolationRefused: a step of the sandbox failed, or the request is too long.
            HostFault: the zygote is gone (MOP4012), or is killed because it did not answer: it may have started what
                nobody waits for. `read_exit` reports the rest.
        """
        data = msgspec.json.encode(request)
        if len(data) > MESSAGE_LIMIT_BYTES:
            raise refusal.refused("request", 0, f"{len(data)} bytes, at most {MESSAGE_LIMIT_BYTES}")
        self._control.settimeout(LAUNCH_TIMEOUT_S)
        try:
            socket.send_fds(self._control, [data], descriptors)
            message = self._receive()
        except OSError as error:
            self._process.kill()
            raise gone(str(error)) from error
        if message is None:
            raise gone("it closed its socket")
        if message["event"] == "failed":
            raise refusal.from_report(message)
        return int(message["pidfd"])

    def read_exit(self) -> dict[str, int] | None:
        """Return the next end of a child, ``{"launch_id", "status"}``; None when the zygote itself has ended.

        Raises:
            BlockingIOError: there is none yet.
        """
        data = self._exits.recv(MESSAGE_LIMIT_BYTES, socket.MSG_DONTWAIT)
        return json.loads(data) if data else None

    def close(self) -> None:
        """End the zygote; the kernel kills every plugin with it."""
        self._control.close()
        self._exits.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _greet(self, config: Mapping[str, Any], noise: int) -> None:
        self._control.settimeout(START_TIMEOUT_S)
        try:
            self._control.send(json.dumps(config).encode())
            message = self._receive()
        except (TimeoutError, OSError) as error:
            raise refusal.refused("start", 0, f"{error}; {_tail(noise)}") from error
        if message is None:
            raise refusal.refused("python", 0, _tail(noise))
        if message["event"] != "ready":
            raise refusal.from_report(message)

    def _receive(self) -> dict[str, Any] | None:
        room = socket.CMSG_LEN(_DESCRIPTOR.size)
        data, ancillary, _flags, _address = self._control.recvmsg(MESSAGE_LIMIT_BYTES, room)
        if not data:
            return None
        message: dict[str, Any] = json.loads(data)
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                message["pidfd"] = _DESCRIPTOR.unpack(payload)[0]
        return message


def gone(why: str) -> HostFault:
    """Return the error for a zygote that does not serve."""
    return HostFault(
        "the zygote of the plugin manager is gone", code="MOP4012", why=why, fix="restart the plugin manager"
    )


def _tail(noise: int) -> str:
    size = os.fstat(noise).st_size
    return os.pread(noise, _STDERR_LIMIT_BYTES, max(0, size - _STDERR_LIMIT_BYTES)).decode(errors="replace").strip()
