"""What the generated tests share: the plugin of the folder that is tested, with what its manifest says it needs.

The platform answers everything that the manifest allows, and an empty answer will do: what these tests look at is
whether a plugin keeps its side. A plugin's own tests prepare real answers.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.plugin.loading import load_class, search_path
from mobileops.plugin.local_host import LocalHost
from mobileops.plugin.methods import exported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: file -> the key of plugin.json, or the type, that it is about
_ABOUT = {
    "test_events.py": "events",
    "test_integration.py": "integration",
    "test_panels.py": "ui",
    "test_processing.py": "processing",
    "test_service.py": "service",
    "test_settings.py": "configuration_schema",
}


def document_of(config: pytest.Config) -> dict[str, Any]:
    """Return the manifest of the plugin that is tested."""
    found: dict[str, Any] = json.loads((config.rootpath / "plugin.json").read_text(encoding="utf-8"))
    return found


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is about something that this plugin is not or does not have."""
    about = _ABOUT.get(collection_path.name)
    if about is None:
        return None
    document = document_of(config)
    return None if about == document["type"] or document.get(about) else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each method, panel, topic and setting of the plugin."""
    document = document_of(metafunc.config)
    for argument, names in (
        ("method", lambda: _methods(metafunc.config.rootpath, document)),
        ("shown", lambda: _shown(document)),
        ("setting", lambda: sorted(document.get("configuration_schema", {}))),
        ("topic", lambda: document.get("events", {}).get("subscribes", [])),
    ):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, names())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that were generated for nothing: a plugin without panels needs no test that says so."""
    kept = [item for item in items if "NOTSET" not in item.name]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _methods(app: Path, document: dict[str, Any]) -> list[str]:
    """Return the exported methods; those that the manifest declares if the class cannot be loaded."""
    before, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = search_path(app)
    try:
        names = exported(load_class(app, document["entry_point"], document["type"]))
    except Exception:  # noqa: BLE001 - other tests say so
        names = tuple(document.get("methods", ()))
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(f"{app}/"):
                del sys.modules[name]
    return sorted({*names, *document.get("methods", ())})


def _shown(document: dict[str, Any]) -> list[str]:
    ui = document.get("ui", {})
    return [one["name"] for section in ("panels", "widgets") for one in ui.get(section, ()) if "method" in one]


def sample(definition: dict[str, Any]) -> Any:
    """Return a value that a setting takes."""
    if "enum" in definition:
        return definition["enum"][0]
    plain = {"string": "x", "boolean": False, "array": [], "object": {}, "integer": 0, "number": 0}
    value: Any = plain[definition["type"]]
    if definition["type"] in {"integer", "number"}:
        value = max(value, definition.get("minimum", value))
        value = min(value, definition.get("maximum", value))
    return value


@pytest.fixture
def document(pytestconfig: pytest.Config) -> dict[str, Any]:
    """Return the manifest."""
    return document_of(pytestconfig)


@pytest.fixture
def required(document: dict[str, Any]) -> dict[str, Any]:
    """Return values for the settings that an operator has to give."""
    given = document.get("configuration", {})
    definitions = document.get("configuration_schema", {})
    return {
        name: sample(one)
        for name, one in definitions.items()
        if one.get("required") and "default" not in one and name not in given
    }


@pytest.fixture
def load(
    load_plugin: Callable[..., Any],
    plugin_loader: Any,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    required: Any,
) -> Callable[..., Any]:
    """Return a function that loads the plugin with more settings, on a platform that has what it asks for."""

    def loaded(**settings: Any) -> Any:
        plugin = load_plugin(pytestconfig.rootpath, settings={**required, **settings})
        if isinstance(plugin_loader.host, LocalHost):
            asset = tmp_path / "asset"
            asset.write_bytes(b"")
            empty = {
                "path": str(asset),
                "size": 0,
                "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            }
            plugin_loader.host.answers |= {
                "ai.load": {"inputs": [], "outputs": [], "labels": []},
                "ai.inference": {"outputs": {}, "label": None, "confidence": None},
                "assets.get": empty,
            }
        return plugin

    return loaded


@pytest.fixture
def end(plugin_loader: Any) -> Callable[[Any], None]:
    """Return a function that ends a plugin as the platform does."""
    return lambda plugin: plugin_loader.host.settle(plugin.end())


@pytest.fixture
def initialized(load: Callable[..., Any], plugin_loader: Any, end: Callable[[Any], None]) -> Iterator[Any]:
    """Return the plugin, initialised; it is ended afterwards."""
    plugin = load()
    if plugin_loader.host.settle(plugin.initialize()) is False:
        pytest.fail("initialize() returned False with the default settings")
    yield plugin
    end(plugin)
