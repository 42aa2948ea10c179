"""A port on loopback for one editor, and the way from there to the debugger in a plugin."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Callable

HOST: Final = "127.0.0.1"
"""Of this machine, and in IPv4: it is what every editor takes."""

PIECE_BYTES: Final = 64 << 10
_TABLE: Final = Path("/proc/net/tcp")
_LOCAL_COLUMN: Final = 1
_UID_COLUMN: Final = 7


def listen(port: int) -> socket.socket:
    """Open a port.

    Args:
        port: 0 for one that is free.

    Raises:
        HostFault: it cannot be had (MOP5607).
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1)
    except (OSError, OverflowError) as error:
        listener.close()
        raise HostFault(
            f"port {port} of {HOST} cannot be opened: {error}",
            code="MOP5607",
            why="the editor connects to a port of this machine",
            fix="choose another with --port, or leave it out",
        ) from error
    return listener


def wait_for_editor(
    listener: socket.socket,
    *,
    stdin: TextIO | None,
    timeout_s: float | None,
    on_stranger: Callable[[int | None], object],
) -> socket.socket | None:
    """Return the first connection of this account's or root's; None when the wait ended before.

    Args:
        listener: a port of loopback, which every account of this machine can connect to.
        stdin: ends the wait when it ends; None does not.
        timeout_s: ends it too; None does not.
        on_stranger: told the uid of whoever else connected, None where the kernel does not say; they are hung up on.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    sources = [listener.fileno(), *([] if stdin is None else [stdin.fileno()])]
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = select.select(sources, [], [], left)[0]
        if listener.fileno() in ready:
            connection, _address = listener.accept()
            uid = uid_of(connection)
            if uid in {0, os.geteuid()}:
                return connection
            connection.close()
            on_stranger(uid)
        elif not ready or not os.read(sources[-1], PIECE_BYTES):
            return None


def uid_of(connection: socket.socket, *, table: Path = _TABLE) -> int | None:
    """Return the account at the other end of a connection within this machine (proc(5), /proc/net/tcp).

    Args:
        connection: IPv4, accepted.
        table: of the kernel's sockets.
    """
    host, port = connection.getpeername()
    local = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    host, port = connection.getsockname()
    remote = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    for line in table.read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[_LOCAL_COLUMN : _LOCAL_COLUMN + 2] == [local, remote]:
            return int(words[_UID_COLUMN])
    return None


def relay(editor: socket.socket, debugger: socket.socket) -> None:
    """Carry what each says to the other until one of them hangs up, and the plugin manager knows of it; close both."""
    with editor, debugger:
        back = threading.Thread(target=_carry_back, args=(debugger, editor), daemon=True)
        back.start()
        try:
            with suppress(OSError):  # it is gone: that is the end
                while data := editor.recv(PIECE_BYTES):
                    debugger.sendall(data)
        finally:
            with suppress(OSError):
                debugger.shutdown(socket.SHUT_WR)
            back.join()


def _carry_back(debugger: socket.socket, editor: socket.socket) -> None:
    """Read until the plugin manager hangs up, also what an editor that has gone does not get."""
    with suppress(OSError):
        while data := debugger.recv(PIECE_BYTES):
            with suppress(OSError):
                editor.sendall(data)
    with suppress(OSError):
        editor.shutdown(socket.SHUT_RDWR)
