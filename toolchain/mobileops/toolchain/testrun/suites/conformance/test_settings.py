"""Settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def _others(definition: dict[str, Any], current: Any) -> list[Any]:
    """Return other values that an operator may give: the bounds, the choices; nothing is guessed for a text."""
    if "enum" in definition:
        values = definition["enum"]
    elif definition["type"] == "boolean":
        values = [True, False]
    else:
        values = [definition[bound] for bound in ("minimum", "maximum") if bound in definition]
    return [value for value in values if value != current]


def test_it_initializes_with_every_value_that_is_allowed(
    load: Callable[..., Any], plugin_loader: Any, end: Any, document: dict[str, Any], setting: str
) -> None:
    """What `configuration_schema` allows, the plugin can begin with: its bounds, its choices, on and off."""
    definition = document["configuration_schema"][setting]
    for value in _others(definition, document.get("configuration", {}).get(setting, definition.get("default"))):
        plugin = load(**{setting: value})
        assert plugin.config[setting] == value
        if plugin_loader.host.settle(plugin.initialize()) is False:
            pytest.fail(f"initialize() returned False with {setting} = {value!r}")
        end(plugin)


def test_it_reads_its_settings_again(initialized: Any, setting: str) -> None:
    """A change that applies `live` reaches the plugin by `reload_config()`."""
    assert initialized.reload_config() is not None
    assert setting in initialized.config or setting not in initialized.load_config()
