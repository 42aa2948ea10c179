"""Events that the manifest says it subscribes to."""

from __future__ import annotations

from typing import Any


def test_an_event_without_contents_does_not_end_it(initialized: Any, plugin_loader: Any, topic: str) -> None:
    """Whoever may publish decides what an event holds: one that cannot be read is logged, and the plugin goes on."""
    plugin_loader.host.emit(topic.replace("*", "conformance"), {})
    plugin_loader.host.settle(initialized.health_check())
