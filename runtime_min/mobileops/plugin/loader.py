"""Load a plugin for a test: into the process of the test, or as a real process in its sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.errors import NotFoundError
from mobileops.plugin import confined, sandboxing
from mobileops.plugin import host as hosts
from mobileops.plugin.loading import load_class, search_path
from mobileops.plugin.local_host import LocalHost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Loader:
    """Loads plugins for one test.

    Attributes:
        host: of the plugin that was loaded last: `LocalHost`, or `confined.SandboxHost`.
    """

    host: Any

    def __init__(self, test_file: Path, *, clean_up: Callable[..., object]) -> None:
        """Load for a test.

        Args:
            test_file: the folders above it are looked into for the plugin.
            clean_up: called with a function and its arguments, which are to be called after the test, last first.
        """
        self._test_file = test_file.resolve()
        self._clean_up = clean_up

    def load(
        self,
        name: str | Path | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        sandboxed: bool | None = None,
    ) -> Any:  # noqa: ANN401  the author's own class, or what stands for it
        """Return a plugin that has not been initialised.

        Args:
            name: the plugin's name, or its folder; None is the first one above the test file.
            settings: operator settings on top of the defaults.
            sandboxed: whether it gets a process in its sandbox; None is as the run of the tests says.

        Raises:
            NotFoundError: there is no such plugin folder.
            HostFault: it is to be sandboxed, and the toolchain is not installed here (MOP2601).
        """
        app = _find_app(name, self._test_file)
        if sandboxing.wanted() if sandboxed is None else sandboxed:
            sandbox = sandboxing.open_sandbox(app, dict(settings or {}))
            self._clean_up(sandbox.close)
            self.host = confined.SandboxHost(sandbox)
            return confined.SandboxedPlugin(sandbox)
        document = json.loads((app / "plugin.json").read_text(encoding="utf-8"))
        self.host = host = LocalHost(document, app=app, settings=settings)
        hosts.attach(host)
        self._clean_up(hosts.attach, None)
        before, modules = list(sys.path), set(sys.modules)
        sys.path[:0] = search_path(app)
        self._clean_up(_forget_imports, app, before, modules)
        self._clean_up(host.close)
        host.plugin = load_class(app, document["entry_point"], document["type"])()
        return host.plugin


def _find_app(name: str | Path | None, test_file: Path) -> Path:
    """Find the folder of a plugin: a folder as it is, or by the name in the manifests above the test file and here."""
    here = Path.cwd()
    folders = (*test_file.parents, here) if name is None else (Path(name), *test_file.parents, here, here / name)
    for folder in folders:
        manifest = folder / "plugin.json"
        if manifest.is_file() and (
            name is None or folder == Path(name) or json.loads(manifest.read_text(encoding="utf-8")).get("name") == name
        ):
            return folder.resolve()
    what = "no plugin" if name is None else f"no plugin {str(name)!r}"
    raise NotFoundError(
        f"{what} near {test_file.name}",
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
