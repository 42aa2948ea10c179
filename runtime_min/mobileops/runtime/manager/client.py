"""Talk to the plugin manager; start it when it does not run."""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import HostFault, PluginGone, from_dict
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.home import Home

SOCKET_NAME: Final = "daemon.sock"
START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 20.0
RETRY_S: Final = 0.02
MAX_COMPLAINT_BYTES: Final = 64 << 10
ENDED: Final = "MOP5204"
"""Code of the fault that is raised when the plugin manager has ended."""


class Client:
    """One connection to the plugin manager of a home."""

    def __init__(self, connection: socket.socket) -> None:
        """Use a connected socket."""
        self._connection = connection
        self._channel = BlockingChannel(connection)

    def ask(self, verb: str, **body: Any) -> Any:  # noqa: ANN401  plain values
        """Send one request and return its result.

        Raises:
            MobileOpsError: whatever the plugin manager answered, as the class it was there.
            HostFault: the plugin manager ended before it answered.
        """
        try:
            answer = self._channel.request(Kind.CALL, verb, body)
        except PluginGone as error:
            raise _ended() from error
        if answer.kind is Kind.ERROR:
            raise from_dict(answer.body)
        return answer.body

    def answers(self, verb: str, **body: Any) -> Iterator[Frame]:  # noqa: ANN401  plain values
        """Send one request and yield its answers as they come: ITEM frames if it streams, else one RESULT.

        Raises:
            MobileOpsError: whatever the plugin manager answered, as the class it was there.
            HostFault: the plugin manager ended before it answered.
        """
        try:
            self._channel.send(Frame(Kind.CALL, 1, verb, {**body, "stream": True}))
            while (answer := self._channel.receive()).kind is Kind.ITEM:
                yield answer
        except PluginGone as error:
            raise _ended() from error
        if answer.kind is Kind.ERROR:
            raise from_dict(answer.body)
        if answer.kind is Kind.RESULT:
            yield answer

    def post(self, number: int, verb: str, **body: Any) -> None:  # noqa: ANN401  plain values
        """Send one request of several that are under way; its answers carry its number.

        Raises:
            HostFault: the plugin manager is gone.
        """
        try:
            self._channel.send(Frame(Kind.CALL, number, verb, body))
        except PluginGone as error:
            raise _ended() from error

    def receive(self) -> Frame:
        """Wait for the next answer to any of those requests; an error is an answer.

        Raises:
            HostFault: the plugin manager is gone.
        """
        try:
            return self._channel.receive()
        except PluginGone as error:
            raise _ended() from error

    def become(self, verb: str, **body: Any) -> socket.socket:  # noqa: ANN401  plain values
        """Send a request after whose answer the connection carries no frames, and return the connection.

        Raises:
            MobileOpsError: whatever the plugin manager answered; the connection can be asked again.
            HostFault: the plugin manager is gone.
        """
        self.post(1, verb, **body)
        frame = self._channel.receive_alone()
        if frame is None:
            raise _ended()
        if frame.kind is Kind.ERROR:
            raise from_dict(frame.body)
        return self._connection

    def wait_closed(self) -> None:
        """Wait until the plugin manager closed this connection: no plugin runs any more."""
        with suppress(PluginGone):
            self._channel.receive()

    def shut_down(self) -> None:
        """Stop the plugin manager and all plugins; return when its process has ended."""
        with _peer_of(self._connection) as process:
            self.ask("shutdown")
            self.wait_closed()
            if process is not None:
                select.select([process], [], [], STOP_TIMEOUT_S)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def _ended() -> HostFault:
    return HostFault("the plugin manager ended before it answered", code=ENDED, fix="repeat the command")


@contextmanager
def _peer_of(connection: socket.socket) -> Iterator[int | None]:
    """Give a pidfd of the process at the other end; None when it is in a pid namespace that ours cannot see."""
    pid, _uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, ValueError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def connect(home: Home) -> Client | None:
    """Return a connection, or None when no plugin manager runs."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        folder = os.open(home.run, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        connection.close()
        return None
    try:
        connection.connect(f"/proc/self/fd/{folder}/{SOCKET_NAME}")
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    finally:
        os.close(folder)
    return Client(connection)


def connect_or_start(home: Home, *, program: tuple[str, ...], stdin: int | None = None) -> Client:
    """Return a connection, starting the plugin manager first when none runs.

    Args:
        home: prepared.
        program: the command that runs the plugin manager in the foreground; ``--ready-fd N`` is appended.
        stdin: its standard input; empty when None.

    Raises:
        HostFault: it did not start; its own words are in ``why``.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    complaint = ""
    while not complaint and time.monotonic() < deadline:
        client = connect(home)
        if client is not None:
            return client
        complaint = _spawn(home, program, stdin)
        if not complaint:
            time.sleep(RETRY_S)  # ready; or another command started one that does not listen yet, or one is just ending
    raise HostFault(
        "the plugin manager does not start",
        code="MOP5202",
        where=str(home.root),
        why=complaint or "no answer",
        fix="mobileops daemon, in the foreground, says more",
    )


def _spawn(home: Home, program: tuple[str, ...], stdin: int | None) -> str:
    """Start the daemon in a session of its own and wait for its word; return its complaint.

    Empty when it is ready or already there.
    """
    import subprocess  # noqa: PLC0415  only the command that starts it pays

    read_end, write_end = os.pipe()
    log = os.open(home.logs / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [*program, "--ready-fd", str(write_end)],
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=log,
            stderr=log,
            pass_fds=(write_end,),
            start_new_session=True,
            cwd="/",
        )
    finally:
        os.close(write_end)
        os.close(log)
    words = _read_all(read_end, START_TIMEOUT_S)
    if words.startswith(b"ready"):
        process.returncode = 0  # it outlives this process; Popen warns of a child that nobody has waited for
        return ""
    process.wait()  # it said that it cannot, or closed the pipe without a word: either way it is ending
    return "" if words.startswith(b"busy") else words.decode("utf-8", "replace").strip()


def _read_all(descriptor: int, timeout_s: float) -> bytes:
    """Read a pipe until its end, a line "ready" or "busy", or the timeout."""
    words = b""
    try:
        while select.select([descriptor], [], [], timeout_s)[0]:
            piece = os.read(descriptor, MAX_COMPLAINT_BYTES)
            words += piece
            if not piece or words.startswith((b"ready\n", b"busy\n")) or len(words) > MAX_COMPLAINT_BYTES:
                break
    finally:
        os.close(descriptor)
    return words


def default_program(home: Home) -> tuple[str, ...]:
    """Return the command that runs the plugin manager of a home with this interpreter."""
    return (sys.executable, "-I", "-m", "mobileops.cli.main", "daemon", "--home", str(home.root))
