"""Run a command to its end or to a deadline, with bounded output, and leave none of its processes behind."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import os
import select
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

MAX_OUTPUT_BYTES: Final = 1 << 20  # half from the beginning, half from the end
DRAIN_S: Final = 2.0  # how long a stray process may hold the output open after the command has ended
_CHUNK_BYTES: Final = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        returncode: exit status, or minus the signal's number.
        output: stdout and stderr in the order of writing, as text.
        timed_out: the deadline passed and the command was killed.
    """

    returncode: int
    output: str
    timed_out: bool


class Kept:
    """The first and the last half of a stream of bytes.

    Args:
        show: is handed the text as it comes, all of it.
    """

    def __init__(self, show: Callable[[str], object] | None = None) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = b""
        self._tail = b""
        self._left_out = 0

    def read_all(self, descriptor: int) -> None:
        """Read until nobody can write any more, then close."""
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            if self._show is not None:
                self._show(self._decoder.decode(chunk))
            room = MAX_OUTPUT_BYTES // 2 - len(self._head)
            self._head += chunk[:room]
            tail = self._tail + chunk[room:]
            self._tail = tail[-(MAX_OUTPUT_BYTES // 2) :]
            self._left_out += len(tail) - len(self._tail)
        os.close(descriptor)

    def text(self) -> str:
        """Return what was kept."""
        cut = f"\n… {self._left_out} bytes left out …\n".encode() if self._left_out else b""
        return (self._head + cut + self._tail).decode("utf-8", "replace")


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    show: Callable[[str], object] | None = None,
) -> Ended:
    """Run a command in a session of its own, without input; kill the whole session when it ends or the deadline passes.

    Args:
        command: program and arguments.
        cwd: where it starts.
        env: its whole environment.
        timeout_s: how long it may take.
        show: is handed the output as it comes, in another thread.

    Raises:
        OSError: the command cannot be started.
    """
    kept = Kept(show)
    child, output = _start(command, cwd, env)
    reader = threading.Thread(target=kept.read_all, args=(output,), daemon=True)
    reader.start()
    try:
        timed_out = not _ends_within(child.pid, timeout_s)
    finally:
        _kill_session(child)
        reader.join(DRAIN_S)  # a process that fled into a session of its own may hold the output open longer
    return Ended(returncode=child.returncode, output=kept.text(), timed_out=timed_out)


def _start(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command and return it with the read end of its output, which only the reader closes."""
    output, write_end = os.pipe()
    try:
        child = subprocess.Popen(  # noqa: S603 - an argument list, no shell
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(write_end)
    return child, output


def _ends_within(pid: int, timeout_s: float) -> bool:
    """Wait for a child without reaping it, so that its process group's id stays its own."""
    pidfd = os.pidfd_open(pid)
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        return bool(poller.poll(timeout_s * 1000))
    finally:
        os.close(pidfd)


def _kill_session(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's process group, then reap the child."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
