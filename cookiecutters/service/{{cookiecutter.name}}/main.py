#!/usr/bin/env python3
"""{{ cookiecutter.description.rstrip('.') | replace('\\', '\\\\') | replace('"', '\\"') }}.

The platform makes one {{ cookiecutter.__class_name }}, calls `initialize()`, then `start()`. While `start()` runs, callers
reach every method marked `@plugin_method`. `stop()` ends it.
"""

from __future__ import annotations

import threading
from typing import Any

from mobileops.plugin import ServicePlugin, plugin_method

from lib.records import tidy


class {{ cookiecutter.__class_name }}(ServicePlugin):
    """A service with a loop of its own and two methods that others can call."""

    def __init__(self) -> None:
        """Set plain attributes; connections and files belong in `initialize()`."""
        super().__init__(name="{{ cookiecutter.name }}")
        self.rounds = 0
        self._stopping = threading.Event()

    def initialize(self) -> bool:
        """Open what the service needs. Change this; return False to refuse to start."""
        self._stopping.clear()
        self.log("INFO", "Initialized {{ cookiecutter.name }}")
        return True

    def start(self) -> None:
        """Do the service's own work until `stop()` is called: change the body of the loop."""
        self.log("INFO", "Started {{ cookiecutter.name }}")
        while not self._stopping.wait(self.config["interval_s"]):
            self.rounds += 1

    def stop(self) -> None:
        """Make `start()` return at once. Called from another thread: set a flag, do not work here."""
        self._stopping.set()

    def health_check(self) -> bool:
        """Say whether the service can do its work. Called every few seconds: keep it quick."""
        return not self._stopping.is_set()

    @plugin_method
    def process_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Process one record: change this, it is what the plugin is for.

        Raises:
            ValueError: `data` is not a record. The caller sees this message.
        """
        return {"status": "success", "result": tidy(data)}

    @plugin_method
    def get_status(self) -> dict[str, Any]:
        """Say how the service is doing. Add what an operator would ask for."""
        return {
            "running": not self._stopping.is_set(),
            "version": self.version,
            "uptime": self.get_uptime(),
            "rounds": self.rounds,
        }


if __name__ == "__main__":
    {{ cookiecutter.__class_name }}().run()
