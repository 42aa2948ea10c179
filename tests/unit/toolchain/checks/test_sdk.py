"""The names of the SDK, written down a second time."""

from __future__ import annotations

from mobileops import plugin
from mobileops.plugin.kinds import BASE_CLASSES
from mobileops.toolchain.checks import sdk


def test_the_names_are_those_of_the_sdk() -> None:
    assert {kind: base.__name__ for kind, base in BASE_CLASSES.items()} == sdk.BASES
    assert {name for name in plugin.__all__ if name.endswith("Plugin")} == sdk.CLASSES
    assert plugin.__name__ == sdk.MODULE
