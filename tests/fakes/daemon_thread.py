"""A plugin manager in a thread of the test, with a launcher that confines nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mobileops.runtime.manager import daemon as daemons
from mobileops.runtime.manager.daemon import IDLE_EXIT_S, Daemon
from tests.fakes.unconfined_launcher import UnconfinedLauncher

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from mobileops.runtime.home import Home


class DaemonThread(threading.Thread):
    """Serves a home until stopped."""

    def __init__(self, home: Home, *, idle_exit_s: float = IDLE_EXIT_S) -> None:
        super().__init__(daemon=True)
        self.home = home
        self.idle_exit_s = idle_exit_s
        self.listening = threading.Event()
        self.launcher = UnconfinedLauncher()

    def run(self) -> None:
        """Serve; the thread ends when the daemon does."""
        asyncio.run(self._serve())
        self.launcher.close()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.daemon_object = Daemon(self.home, idle_exit_s=self.idle_exit_s, watch_s=0.02)
        await self.daemon_object.serve(ready=self.listening.set)

    def stop(self) -> None:
        """Stop it and wait."""
        if self.is_alive():
            self.loop.call_soon_threadsafe(self.daemon_object.stop)
        self.join(20)


@contextmanager
def serving(home: Home, monkeypatch: pytest.MonkeyPatch, *, idle_exit_s: float = IDLE_EXIT_S) -> Iterator[DaemonThread]:
    """Serve a home for the length of the block."""
    thread = DaemonThread(home, idle_exit_s=idle_exit_s)
    monkeypatch.setattr(daemons, "Launcher", lambda **_folders: thread.launcher)
    thread.start()
    assert thread.listening.wait(10)
    try:
        yield thread
    finally:
        thread.stop()
