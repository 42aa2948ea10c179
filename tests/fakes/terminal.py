"""A person at a terminal: commands are typed into a shell, one after the other, and what appears is read."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE_S: Final = 120.0
"""How long a terminal may be silent about what is waited for; only a test that fails waits that long."""
ROWS: Final = 50
COLUMNS: Final = 160
INTERRUPT: Final = "\x03"
_MARK: Final = "\x1e"  # no command prints it: control characters are shown escaped
_PROMPT: Final = re.compile(f"{_MARK}([0-9]+){_MARK}")


class Done(NamedTuple):
    """What a command did: its exit code, and what was on the terminal until the next prompt."""

    exit_code: int
    output: str


class Terminal:
    """A shell on a terminal of its own, without echo, so that what is read was printed."""

    def __init__(self, before: Sequence[str], *, environment: Mapping[str, str], cwd: Path) -> None:
        """Start the shell.

        Args:
            before: program and arguments that start the shell that is appended to them.
            environment: of the shell.
            cwd: its first folder.
        """
        self._near, far = pty.openpty()
        attributes = termios.tcgetattr(far)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(far, termios.TCSANOW, attributes)
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        prompts = {"PS1": f"{_MARK}$?{_MARK}", "PS2": "", "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self._process = subprocess.Popen(
            [*before, "bash", "--norc", "--noprofile", "--noediting", "-i"],
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=cwd,
            env={**environment, **prompts},
        )
        os.close(far)
        self._unread = ""
        self._until(_PROMPT)

    def __enter__(self) -> Self:
        """Return this terminal."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Take the terminal away, and with it the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._near)

    def run(self, command: str, *, keys: Sequence[tuple[str, str]] = ()) -> Done:
        """Type a command and wait for the next prompt.

        Args:
            command: one line.
            keys: (regular expression to wait for, what to type then), in their order.

        Raises:
            AssertionError: something that was waited for did not appear.
        """
        self._type(command + "\n")
        output = ""
        for words, typed in keys:
            output += self._until(re.compile(words))[0]
            self._type(typed)
        printed, found = self._until(_PROMPT)
        output += printed.removesuffix(found[0])
        return Done(int(found[1]), output.replace("\r\n", "\n"))

    def _type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def _until(self, pattern: re.Pattern[str]) -> tuple[str, re.Match[str]]:
        """Read until something appeared; return what was read up to its end, and what matched."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := pattern.search(self._unread)) is None:
            readable, _, _ = select.select([self._near], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"{pattern.pattern!r} did not appear; the terminal has:\n{self._unread}"
            self._unread += os.read(self._near, 1 << 16).decode(errors="replace")
        read, self._unread = self._unread[: found.end()], self._unread[found.end() :]
        return read, found
