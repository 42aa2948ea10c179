"""Processing plugins."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.errors import CallError
from mobileops.plugin import ProcessingPlugin


def test_process_is_implemented(initialized: Any, plugin_loader: Any) -> None:
    """`process()` is what a processing plugin is for."""
    if isinstance(initialized, ProcessingPlugin):
        assert type(initialized).process is not ProcessingPlugin.process, "process() is that of the base class"
        return
    with pytest.raises((TypeError, CallError)):
        plugin_loader.host.settle(initialized.process())
