"""Every method that others may call."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mobileops.errors import CallError
from mobileops.plugin.confined import OutOfReach

NOBODY_HAS_IT = {"mobileops_conformance_no_such_argument": None}


def _takes_anything(method: Any) -> bool:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def test_method_exists(initialized: Any, method: str) -> None:
    """What the manifest declares under `methods`, or the class marks, can be called."""
    try:
        found = getattr(initialized, method)
    except OutOfReach:
        pytest.fail(f"{method!r} is declared under 'methods' in plugin.json, and the class does not export it")
    assert callable(found)
    marked = getattr(type(initialized), method, None)
    if marked is not None:
        from mobileops.plugin.methods import exported  # noqa: PLC0415 - in its sandbox the class is not here

        assert method in exported(type(initialized)), f"{method!r} is not marked @plugin_method"


def test_method_refuses_an_argument_that_it_does_not_have(initialized: Any, plugin_loader: Any, method: str) -> None:
    """A caller's mistake is an error for that caller: no answer, and no end of the plugin."""
    found = getattr(initialized, method, None)
    if found is None or _takes_anything(_original(initialized, method)):
        return
    with pytest.raises((TypeError, CallError)):
        plugin_loader.host.settle(found(**NOBODY_HAS_IT))
    plugin_loader.host.settle(initialized.health_check())


def _original(plugin: Any, method: str) -> Any:
    found = getattr(plugin, method)
    return getattr(type(plugin), method, None) or found
