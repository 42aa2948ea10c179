"""A terminal's screen in the place of the outputs of this process."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import struct
import sys
import termios
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Screen:
    """What was printed on a terminal of some width, ended by `close`."""

    def __init__(self, columns: int) -> None:
        self._near, self._far = pty.openpty()
        fcntl.ioctl(self._far, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
        self._text: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def stream(self) -> io.TextIOWrapper:
        """Return a stream that prints on it, line by line."""
        return io.TextIOWrapper(io.FileIO(os.dup(self._far), "w"), encoding="utf-8", line_buffering=True)

    def close(self) -> str:
        """Return everything that was printed, once every stream is closed."""
        os.close(self._far)
        self._reader.join()
        os.close(self._near)
        return "".join(self._text).replace("\r\n", "\n")

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # EIO: nobody can print any more
            while data := os.read(self._near, 1 << 16):
                self._text.append(data.decode("utf-8", "replace"))


@contextlib.contextmanager
def on_screen(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Have both outputs of this process on a terminal for the length of the block; then the list has what it shows."""
    screen, shown = Screen(columns), []
    monkeypatch.delenv("COLUMNS", raising=False)
    with monkeypatch.context() as patch, screen.stream() as out, screen.stream() as err:
        for name, stream in (("stdout", out), ("stderr", err), ("__stdout__", out), ("__stderr__", err)):
            patch.setattr(sys, name, stream)
        yield shown
    shown.append(screen.close())
