"""The lifecycle requests of the plugin manager: health, settings, reload, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.errors import PluginError
from mobileops.runtime.sandboxed import hooks
from mobileops.runtime.sandboxed.serving.method import unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.plugin.base import Plugin
    from mobileops.runtime.sandboxed.activity import Activity
    from mobileops.runtime.sandboxed.serving.host import WorkerHost


class Lifecycle:
    """Carries them out for one plugin, in the thread of the plain methods.

    Attributes:
        is_over: it was told to stop, and serves no more.
    """

    def __init__(self, host: WorkerHost, plugin: Plugin, *, activity: Activity, app: Path) -> None:
        """Start without having been asked.

        Args:
            host: the plugin's host.
            plugin: the instance.
            activity: what runs in the main thread.
            app: the plugin's folder, for hooks.
        """
        self.is_over = False
        self._host = host
        self._plugin = plugin
        self._activity = activity
        self._app = app
        self._prepared = False

    def run(self, method: str, body: Any) -> Any:  # noqa: ANN401  a health report is the author's
        """Carry one out, and return its result.

        Raises:
            NotFoundError: there is no such request.
        """
        if method == "health":
            return self._host.settle(self._plugin.health_check())
        acts: dict[str, Callable[[], object]] = {
            "prepare": self._prepare,
            "configure": lambda: self._configured(body, self._plugin.reload_config),
            "reload": lambda: self._configured(body, lambda: self._activity.reload(self._plugin)),
            "stop": lambda: self._stop(force=isinstance(body, dict) and bool(body.get("force"))),
            "upgraded": lambda: hooks.after(self._host, "post_upgrade", app=self._app),
        }
        if method not in acts:
            raise unknown(method, ("health", *acts))
        acts[method]()
        return None

    def _configured(self, body: Any, act: Callable[[], object]) -> None:  # noqa: ANN401  whatever was sent
        """Let the plugin take over the operator's settings, if there are new ones; it keeps the old if it fails."""
        if not isinstance(body, dict):
            act()
            return
        before = self._host.take_settings(body["settings"])
        try:
            act()
        except BaseException:
            self._host.take_settings(before)
            raise

    def _prepare(self) -> None:
        """Run the hook that may refuse the end, once."""
        if not self._prepared:
            hooks.before(self._host, "pre_stop", app=self._app)
            self._prepared = True

    def _stop(self, *, force: bool) -> None:
        try:
            self._prepare()
        except PluginError as error:
            if not force:
                raise
            self._host.log("WARNING", f"stopping nevertheless: {error.what}", {})
        self.is_over = True
        self._host.settle(self._plugin.end())
