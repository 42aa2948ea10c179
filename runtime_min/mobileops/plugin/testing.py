"""Test a plugin in-process, without the sandbox and without a plugin manager.

::

    from mobileops.plugin.testing import PluginTestCase

    class TestMyPlugin(PluginTestCase):
        def setUp(self):
            self.plugin = self.load_plugin("my-plugin")

        def test_initialization(self):
            self.assertTrue(self.plugin.initialize())
"""

from __future__ import annotations

import inspect
import json
import sys
import time
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.errors import NotFoundError
from mobileops.plugin import host as hosts
from mobileops.plugin.configuration import layered
from mobileops.plugin.fakes import FakePlatform
from mobileops.plugin.finishing import finished
from mobileops.plugin.loading import load_class, search_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


class PluginTestCase(unittest.TestCase):
    """A unittest case that can load the plugin it tests."""

    host: LocalHost

    def load_plugin(self, name: str | Path, *, settings: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  the author's own class
        """Make an instance of the plugin's class with an in-memory host, kept in ``self.host``.

        Args:
            name: the plugin's name, or its folder. A name is looked for in the folders above the test file, then in
            and below the current directory.
            settings: operator settings on top of the defaults.

        Raises:
            NotFoundError: there is no such plugin folder.
        """
        app = _find_app(name, Path(inspect.getfile(type(self))).resolve())
        return self._instance(app, settings or {})

    def _instance(self, app: Path, settings: Mapping[str, Any]) -> Plugin:
        document = json.loads((app / "plugin.json").read_text(encoding="utf-8"))
        self.host = LocalHost(document, app=app, settings=settings)
        hosts.attach(self.host)
        self.addCleanup(hosts.attach, None)
        before, modules = list(sys.path), set(sys.modules)
        sys.path[:0] = search_path(app)
        self.addCleanup(_forget_imports, app, before, modules)
        self.addCleanup(self.host.close)
        self.host.plugin = load_class(app, document["entry_point"], document["type"])()
        return self.host.plugin


def _find_app(name: str | Path, test_file: Path) -> Path:
    """Find the folder of a plugin: a folder as it is, or by the name in the manifests above the test file and here."""
    here = Path.cwd()
    for folder in (Path(name), *test_file.parents, here, here / name):
        manifest = folder / "plugin.json"
        if manifest.is_file() and (
            folder == Path(name) or json.loads(manifest.read_text(encoding="utf-8")).get("name") == name
        ):
            return folder.resolve()
    raise NotFoundError(
        f"no plugin {str(name)!r} near {test_file.name}",
        code="MOP5103",
        where=str(test_file),
        why="load_plugin looks for plugin.json in the folders above the test file and in the current directory",
        fix="pass the name that plugin.json has, or the plugin's folder",
    )


def _forget_imports(app: Path, path: list[str], modules: set[str]) -> None:
    """Undo what loading changed, so that two plugins whose files share names can be tested in one process.

    Vendored modules stay: compiled ones, numpy's for instance, cannot be loaded twice.
    """
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(app) and not Path(origin).is_relative_to(app / "vendor"):
            del sys.modules[name]
