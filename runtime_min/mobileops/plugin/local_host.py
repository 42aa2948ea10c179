"""The host of a plugin that runs in the process of its test, or of ``python main.py``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mobileops.plugin.configuration import layered
from mobileops.plugin.fakes import FakePlatform
from mobileops.plugin.finishing import finished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mobileops.plugin.base import Plugin
    from mobileops.plugin.host import Request


class LocalHost(FakePlatform):
    """A host that keeps everything in memory, and holds requests against the permissions of plugin.json.

    Attributes:
        records: log lines, each ``{"level", "message", **fields}``, oldest first.
        responses: request id -> value.
        error_responses: request id -> message.
        cancels: what ``cancelled()`` returns to the plugin.
        plugin: the instance that it belongs to, once there is one.
    """

    def __init__(self, document: Mapping[str, Any], *, app: Path, settings: Mapping[str, Any] | None = None) -> None:
        """Make a host for one plugin folder.

        Args:
            document: the parsed plugin.json.
            app: the plugin's folder.
            settings: operator settings on top of the defaults.
        """
        super().__init__(str(document["name"]), document.get("permissions", ()))
        self._document = document
        self._app = app
        self._settings = dict(settings or {})
        self._started = time.monotonic()
        self._queue: list[Request] = []
        self.records: list[dict[str, Any]] = []
        self.responses: dict[int, object] = {}
        self.error_responses: dict[int, str] = {}
        self.cancels = False
        self.plugin: Plugin | None = None

    @property
    def name(self) -> str:
        """The manifest's name."""
        return str(self._document["name"])

    @property
    def version(self) -> str:
        """The manifest's version."""
        return str(self._document["version"])

    def configuration(self) -> dict[str, Any]:
        """Return the layered configuration of the folder."""
        conf = self._app / "config" / "default.conf"
        text = conf.read_text(encoding="utf-8") if conf.is_file() else None
        return layered(text, self._document, self._settings)

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Keep one record."""
        self.records.append({"level": level, "message": message, **fields})

    def uptime_s(self) -> float:
        """Return the seconds since the host was made."""
        return time.monotonic() - self._started

    def enqueue(self, request: Request) -> None:
        """Put a request where `get_pending_requests()` finds it."""
        self._queue.append(request)

    def take_requests(self) -> list[Request]:
        """Return and forget the queued requests."""
        taken, self._queue = self._queue, []
        return taken

    def call(self, method: Callable[..., Any], request: Request) -> Any:  # noqa: ANN401  whatever the method returns
        """Run the method that a request is about; arguments are not checked here."""
        return finished(method(*request.args, **request.kwargs))

    def settle(self, result: Any) -> Any:  # noqa: ANN401  whatever an author's method returned
        """Run a coroutine to its end."""
        return finished(result)

    def respond(self, request_id: int, result: object) -> None:
        """Keep an answer."""
        self.responses[request_id] = result

    def respond_error(self, request_id: int, message: str) -> None:
        """Keep an error answer."""
        self.error_responses[request_id] = message

    def emit(self, topic: str, event: Mapping[str, Any]) -> None:
        """Deliver an event to the plugin, as far as it has subscribed to its topic."""
        if self.plugin is not None:
            self.plugin.deliver_event(topic, dict(event))

    def join_activity(self) -> None:
        """Nothing to wait for: a test calls ``start()`` itself, and is back when it has returned."""

    def cancelled(self) -> bool:
        """Return what the test says."""
        return self.cancels

    def is_managed(self) -> bool:
        """A test drives the lifecycle itself, so ``run()`` must not."""
        return True
