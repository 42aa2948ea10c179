"""Every plugin: it begins with its defaults, says how it is, and ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any


def test_it_is_made_without_arguments(load: Callable[..., Any], document: dict[str, Any]) -> None:
    """The platform makes one instance of the class in the entry point, with no arguments."""
    plugin = load()
    assert (plugin.name, plugin.version) == (document["name"], document["version"])


def test_it_initializes_with_its_defaults(load: Callable[..., Any], plugin_loader: Any, end: Any) -> None:
    """A plugin starts as it is installed: `initialize()` raises nothing and does not return False."""
    plugin = load()
    assert plugin_loader.host.settle(plugin.initialize()) is not False
    end(plugin)


def test_its_health_check_answers(initialized: Any, plugin_loader: Any) -> None:
    """`health_check()` returns None, True, False, or a mapping of plain values that `status --detailed` shows."""
    health = plugin_loader.host.settle(initialized.health_check())
    assert health is None or isinstance(health, bool | Mapping), f"a health report is no {type(health).__name__}"
    json.dumps(dict(health) if isinstance(health, Mapping) else health)


def test_ending_twice_is_ending_once(initialized: Any, end: Callable[[Any], None]) -> None:
    """`stop()`, `cleanup()` or `disconnect()` may be called again: an operator does, and so does a failed start."""
    end(initialized)
    end(initialized)


def test_it_ends_although_it_never_began(load: Callable[..., Any], end: Callable[[Any], None]) -> None:
    """The end comes after an `initialize()` that failed too, so it needs nothing that that has made."""
    end(load())


def test_it_uses_no_permission_that_it_does_not_declare(
    load: Callable[..., Any], plugin_loader: Any, end: Callable[[Any], None]
) -> None:
    """What it asks of the platform on its way through its life is declared in `permissions`."""
    plugin = load()
    plugin_loader.host.settle(plugin.initialize())
    plugin_loader.host.settle(plugin.health_check())
    end(plugin)
    assert plugin_loader.host.denied == []
