"""The four base classes, one for each plugin type of the manifest.

========== =================== ==========================================
type       class               main activity / end
========== =================== ==========================================
service    ServicePlugin       ``start()`` / ``stop()``
processing ProcessingPlugin    none / ``cleanup()``
integration IntegrationPlugin  ``connect()`` / ``disconnect()``
ui         UIPlugin            none / ``cleanup()``
========== =================== ==========================================

Each of these, `initialize`, `health_check`, `handle_message` and the handlers of events may be ``async def``: they run
on the event loop of the other ``async def`` methods, and are waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.plugin.base import Plugin
from mobileops.plugin.methods import plugin_method

if TYPE_CHECKING:
    from collections.abc import Awaitable


class ServicePlugin(Plugin):
    """A long-running service. Override `start` and `stop`; `start` may loop until `stop` tells it to end."""

    def start(self) -> Awaitable[None] | None:
        """Run the service; may return at once."""

    def stop(self) -> Awaitable[None] | None:
        """Ask `start` to return; called in another thread."""

    def begin(self) -> Awaitable[None] | None:
        """Run `start()`."""
        return self.start()

    def end(self) -> Awaitable[None] | None:
        """Run `stop()`."""
        return self.stop()


class ProcessingPlugin(Plugin):
    """A data processor: idle until somebody calls `process`."""

    @plugin_method
    def process(self, data: Any) -> Any:  # noqa: ANN401  the author decides what goes in and out
        """Process one input; always callable from outside, with or without the decorator on the override.

        Raises:
            NotImplementedError: the subclass does not override it.
        """
        message = f"{type(self).__name__}.process is not implemented"
        raise NotImplementedError(message)

    def load_model(self, reference: str) -> Any:  # noqa: ANN401  an override returns what it likes
        """Load a model; override this for formats of your own.

        Args:
            reference: the name of an asset; or an ``.onnx`` file of the plugin, relative to plugin.json.

        Returns:
            A `mobileops.plugin.platform.Model`, whose ``predict()`` asks the platform.

        Raises:
            PermissionDenied: the manifest does not declare ``api.platform.ai``.
            NotFoundError: there is no such asset or file.
            PluginError: MOP5321, no loader is known for this; MOP5318, the model cannot be used.
        """
        from mobileops.plugin.models import load  # noqa: PLC0415  a plugin without a model need not wait

        return load(self.get_platform_api(), reference)

    def cleanup(self) -> Awaitable[None] | None:
        """Free what `initialize` acquired."""

    def end(self) -> Awaitable[None] | None:
        """Run `cleanup()`."""
        return self.cleanup()


class IntegrationPlugin(Plugin):
    """A connection to an external system; nothing is asked of it before `connect` has returned."""

    ready_when_begun = True

    def connect(self) -> Awaitable[None] | None:
        """Open the connection; shares ``resources.start_timeout`` with `initialize`."""

    def sync_data(self) -> Any:  # noqa: ANN401  the author decides what a synchronisation reports
        """Exchange data once with the external system."""

    def disconnect(self) -> Awaitable[None] | None:
        """Close the connection."""

    def begin(self) -> Awaitable[None] | None:
        """Run `connect()`."""
        return self.connect()

    def end(self) -> Awaitable[None] | None:
        """Run `disconnect()`."""
        return self.disconnect()


class UIPlugin(Plugin):
    """Panels, widgets and themes; a panel is data that the platform draws."""

    @plugin_method
    def render(self, panel: str) -> Any:  # noqa: ANN401  a panel's data follow the manifest's `ui` key
        """Return the data of one panel that the manifest declares.

        Raises:
            NotImplementedError: the subclass does not override it.
        """
        message = f"{type(self).__name__}.render is not implemented, so panel {panel!r} cannot be drawn"
        raise NotImplementedError(message)

    def cleanup(self) -> Awaitable[None] | None:
        """Free what `initialize` acquired."""

    def end(self) -> Awaitable[None] | None:
        """Run `cleanup()`."""
        return self.cleanup()


BASE_CLASSES: Final[dict[str, type[Plugin]]] = {
    "service": ServicePlugin,
    "processing": ProcessingPlugin,
    "integration": IntegrationPlugin,
    "ui": UIPlugin,
}
