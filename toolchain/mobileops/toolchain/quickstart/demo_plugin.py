"""The plugin that `mobileops quickstart` runs: a greeter that also tries two things it never declared."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from mobileops.plugin import ServicePlugin, plugin_method


class HelloMobileops(ServicePlugin):
    """Greet people; and show what a plugin without permissions can reach."""

    def __init__(self) -> None:
        """Count greetings from zero."""
        super().__init__(name="hello-mobileops")
        self._stopping = threading.Event()
        self.greeted = 0

    def start(self) -> None:
        """Wait until stopped; calls are served meanwhile."""
        self.log("INFO", "ready to greet")
        self._stopping.wait()

    def stop(self) -> None:
        """End `start`."""
        self._stopping.set()

    @plugin_method
    def greet(self, who: str) -> str:
        """Return a greeting, and remember in /data how many there were."""
        self.greeted += 1
        Path("/data/greeted.txt").write_text(f"{self.greeted}\n", encoding="utf-8")
        self.log("INFO", "greeted", who=who)
        return f"Hello, {who}!"

    @plugin_method
    def try_to_read(self, path: str) -> str:
        """Read a file of the host: an undeclared permission."""
        return attempt(lambda: Path(path).read_text(encoding="utf-8"))

    @plugin_method
    def try_to_connect(self, host: str, port: int) -> str:
        """Open a connection: an undeclared permission."""
        return attempt(lambda: socket.create_connection((host, port), timeout=2).close() or "connected")


def attempt(action: object) -> str:
    """Run an action and say what came of it; a refusal by the kernel is an OSError like any other."""
    try:
        return f"succeeded: {action()}"  # type: ignore[operator]
    except OSError as error:
        return f"refused: {type(error).__name__}: {error.strerror}"
