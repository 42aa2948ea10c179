"""Processing plugins."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.errors import CallError
from mobileops.plugin import ProcessingPlugin
from mobileops.plugin.methods import exported


def test_process_is_implemented(initialized: Any, plugin_loader: Any) -> None:
    """`process()` is what a processing plugin is for, or methods of its own in its place."""
    if isinstance(initialized, ProcessingPlugin):
        has_others = exported(type(initialized)) != exported(ProcessingPlugin)
        is_own = type(initialized).process is not ProcessingPlugin.process
        assert is_own or has_others, "process() is that of the base class, and there is no other method"
        return
    with pytest.raises((TypeError, CallError)):
        plugin_loader.host.settle(initialized.process())
