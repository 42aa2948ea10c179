"""What a plugin author imports.

::

    from mobileops.plugin import ServicePlugin, plugin_method

    class Hello(ServicePlugin):
        def __init__(self):
            super().__init__(name="hello")

        @plugin_method
        def greet(self, who: str) -> str:
            return f"Hello, {who}"

A plugin file defines exactly one class derived from one of the four base classes. The plugin manager imports the file
inside the sandbox, makes one
instance without arguments, calls `initialize()`, and from then on serves the methods marked `plugin_method` while
`start()` runs in the main thread.
"""

from __future__ import annotations

from mobileops.plugin.base import Plugin
from mobileops.plugin.host import Host, Request
from mobileops.plugin.kinds import IntegrationPlugin, ProcessingPlugin, ServicePlugin, UIPlugin
from mobileops.plugin.methods import plugin_method

__all__ = [
    "Host",
    "IntegrationPlugin",
    "Plugin",
    "ProcessingPlugin",
    "Request",
    "ServicePlugin",
    "UIPlugin",
    "plugin_method",
]
