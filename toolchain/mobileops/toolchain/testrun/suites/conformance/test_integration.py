"""Integration plugins. No external system is contacted: what needs one belongs into the plugin's own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mobileops.plugin import IntegrationPlugin


def test_it_has_a_connection_to_make(load: Callable[..., Any]) -> None:
    """An integration connects or synchronises: one of `connect()` and `sync_data()` is its own."""
    plugin = load()
    if isinstance(plugin, IntegrationPlugin):
        own = {
            name
            for name in ("connect", "sync_data")
            if getattr(type(plugin), name) is not getattr(IntegrationPlugin, name)
        }
        assert own, "neither connect() nor sync_data() is implemented"


def test_disconnecting_without_a_connection_does_nothing(initialized: Any, plugin_loader: Any) -> None:
    """`disconnect()` is called although `connect()` has failed."""
    plugin_loader.host.settle(initialized.disconnect())
