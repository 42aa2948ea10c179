"""Find and make the one plugin class of a plugin folder."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from mobileops.errors import PluginError
from mobileops.plugin.kinds import BASE_CLASSES

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.plugin.base import Plugin


def search_path(app: Path) -> list[str]:
    """Return the folders that a plugin may import from besides the standard library and the SDK, first wins."""
    return [str(folder) for folder in (app, app / "lib", app / "vendor")]


def load_class(app: Path, entry_point: str, plugin_type: str) -> type[Plugin]:
    """Import the entry point and return its plugin class.

    Args:
        app: the plugin's folder; `search_path(app)` must be importable already.
        entry_point: the manifest's ``entry_point``, relative to the folder.
        plugin_type: the manifest's ``type``.

    Raises:
        PluginError: the file defines no class of the right base, or more than one.
        Exception: whatever the plugin's own code raised while it was imported.
    """
    path = app / entry_point
    module_name = path.stem
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise PluginError(
            f"{entry_point!r} is not a Python file",
            code="MOP5101",
            where=entry_point,
            fix="name a .py file in entry_point",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before execution, so that the plugin's own modules can import it by name
    spec.loader.exec_module(module)
    base = BASE_CLASSES[plugin_type]
    found: list[type[Plugin]] = [
        value for value in vars(module).values() if _is_own_plugin_class(value, module_name, base)
    ]
    if len(found) != 1:
        names = ", ".join(sorted(cls.__name__ for cls in found)) or "none"
        raise PluginError(
            f"expected exactly one class derived from {base.__name__}, found {names}",
            code="MOP5102",
            where=entry_point,
            why=f"the manifest says type {plugin_type!r}",
            fix=f"define one subclass of mobileops.plugin.{base.__name__}",
        )
    return found[0]


def _is_own_plugin_class(value: object, module_name: str, base: type[Plugin]) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value.__module__ == module_name
