"""The main activity of a plugin, such as a service's ``start()``: it runs in the main thread, as often as it is begun.

A plugin's own ``reload()`` runs in the serving thread, so that no call sees a plugin that is half made, and says
``self.start()`` there. What it means is the main thread, after ``reload()`` has returned: `Activity.reload`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from mobileops.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.plugin.base import Plugin

_BEGINNINGS: Final = ("begin", "start")
"""The names under which the base classes have the main activity."""


class Activity:
    """Runs the main activity; every method but `run` is for other threads."""

    def __init__(self, begin: Callable[[], object], *, stop_timeout_s: float, aside: bool = True) -> None:
        """Want the first run.

        Args:
            begin: the main activity.
            stop_timeout_s: how long `join` waits.
            aside: whether it runs while calls are served; if not, it is never run here, and `reload` waits for it.
        """
        self._begin = begin
        self._stop_timeout_s = stop_timeout_s
        self._changed = threading.Condition()
        self._aside = aside
        self._wanted = aside
        self._running_in: threading.Thread | None = None
        self._over = False

    def run(self) -> None:
        """Run the activity whenever it is wanted, until `finish`; what it raises ends this."""
        while self._next():
            try:
                self._begin()
            finally:
                with self._changed:
                    self._running_in = None
                    self._changed.notify_all()

    def finish(self) -> None:
        """Run it no more; a run that is under way is waited for by nobody here."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until it does not run, for the stop timeout at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._running_in is None, self._stop_timeout_s)

    def join(self) -> None:
        """Wait until the activity has returned; at once where the activity itself asks.

        Raises:
            PluginError: it did not within the stop timeout.
        """
        with self._changed:
            if self._running_in is threading.current_thread():
                return
            ended = self._changed.wait_for(lambda: not self._wanted and not self._running_in, self._stop_timeout_s)
        if not ended:
            raise PluginError(
                f"the main activity has not returned {self._stop_timeout_s:g} s after it was told to end",
                code="MOP5110",
                fix="make start() return soon after stop() was called, or raise resources.stop_timeout",
            )

    def reload(self, plugin: Plugin) -> None:
        """Have the plugin reload itself; the main activity begins again after that if `reload()` began it."""
        begun: list[str] = []
        own = {name: begun.append for name in _BEGINNINGS if self._aside and hasattr(plugin, name)}
        for name, note in own.items():
            setattr(plugin, name, lambda name=name, note=note: note(name))
        try:
            plugin._host.settle(plugin.reload())  # noqa: SLF001  the sandbox's own half of it
        finally:
            for name in own:
                delattr(plugin, name)
        if begun:
            with self._changed:
                self._wanted = True
                self._changed.notify_all()

    def _next(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._over)
            if self._over:
                return False
            self._wanted = False
            self._running_in = threading.current_thread()
            return True
