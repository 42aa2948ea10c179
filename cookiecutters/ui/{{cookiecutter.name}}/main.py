#!/usr/bin/env python3
"""{{ cookiecutter.description.rstrip('.') | replace('\\', '\\\\') | replace('"', '\\"') }}.

The platform makes one {{ cookiecutter.__class_name }} and calls `initialize()` once; after that it draws what `render()`
returns, for each panel that `plugin.json` declares under "ui". `cleanup()` is the last call.
"""

from __future__ import annotations

from typing import Any

from mobileops.plugin import UIPlugin, plugin_method

from lib.panels import overview


class {{ cookiecutter.__class_name }}(UIPlugin):
    """One panel, as data: the platform decides how it looks, so it fits every screen and theme."""

    def __init__(self) -> None:
        """Set plain attributes; whatever takes time belongs in `initialize()`."""
        super().__init__(name="{{ cookiecutter.name }}")
        self.rendered = 0

    def initialize(self) -> bool:
        """Prepare to render. Return False to refuse to start."""
        self.log("INFO", "Initialized {{ cookiecutter.name }}")
        return True

    @plugin_method
    def render(self, panel: str) -> dict[str, Any]:
        """Return the content of one panel: change this, it is what the plugin is for.

        Raises:
            ValueError: `plugin.json` declares no such panel. The caller sees this message.
        """
        if panel != "overview":
            message = f"there is no panel {panel!r}; this plugin has 'overview'"
            raise ValueError(message)
        self.rendered += 1
        values = {"Version": self.version, "Uptime": f"{self.get_uptime():.0f} s", "Rendered": self.rendered}
        return overview(self.config["title"], values)

    def cleanup(self) -> None:
        """Give back what `initialize()` took."""


if __name__ == "__main__":
    {{ cookiecutter.__class_name }}().run()
