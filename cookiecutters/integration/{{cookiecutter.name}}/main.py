#!/usr/bin/env python3
"""{{ cookiecutter.description.rstrip('.') | replace('\\', '\\\\') | replace('"', '\\"') }}.

The platform makes one {{ cookiecutter.__class_name }}, calls `initialize()`, then `connect()`; after that, callers reach
every method marked `@plugin_method`. `disconnect()` is the last call.
"""

from __future__ import annotations

from typing import Any

from mobileops.plugin import IntegrationPlugin, plugin_method

from lib.remote import Remote


class {{ cookiecutter.__class_name }}(IntegrationPlugin):
    """Keep a copy of the items of an external system."""

    def __init__(self) -> None:
        """Set plain attributes; connections belong in `connect()`."""
        super().__init__(name="{{ cookiecutter.name }}")
        self.remote: Remote | None = None
        self.items: list[Any] = []

    def initialize(self) -> bool:
        """Prepare what does not need the external system. Return False to refuse to start."""
        self.log("INFO", "Initialized {{ cookiecutter.name }}")
        return True

    def connect(self) -> None:
        """Open the connection. HTTP needs none before the first request, so a system that is down stops no start."""
        self.remote = Remote(self.config["endpoint"], timeout_s=self.config["timeout_s"])

    @plugin_method
    def sync_data(self) -> dict[str, Any]:
        """Exchange data once with the external system: change this, it is what the plugin is for.

        Raises:
            RuntimeError: the plugin is not connected.
            OSError: the external system cannot be reached. The caller sees this message.
            ValueError: it answered something else than a list.
        """
        if self.remote is None:
            message = "not connected: connect() comes first"
            raise RuntimeError(message)
        self.items = self.remote.items()
        self.log("INFO", "Synchronised", items=len(self.items))
        return {"status": "success", "items": len(self.items)}

    @plugin_method
    def get_status(self) -> dict[str, Any]:
        """Say how the integration is doing. Add what an operator would ask for."""
        return {"connected": self.remote is not None, "items": len(self.items), "uptime": self.get_uptime()}

    def disconnect(self) -> None:
        """Close the connection."""
        self.remote = None


if __name__ == "__main__":
    {{ cookiecutter.__class_name }}().run()
