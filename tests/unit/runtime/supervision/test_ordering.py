"""`mobileops.runtime.supervision.ordering`: who is started and stopped before whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import NotFoundError, PluginError
from mobileops.manifest import Version, VersionRange
from mobileops.runtime.supervision.ordering import Needs, enabled_order, needed_by, start_order, stop_waves

ONE = Version.parse("1.0.0")


def world(**plugins: dict[str, str]) -> dict[str, Needs]:
    return {
        name: Needs(ONE, {needed: VersionRange.parse(text) for needed, text in ranges.items()})
        for name, ranges in plugins.items()
    }


def test_what_is_needed_comes_first() -> None:
    needs = world(a={"b": ">=1"}, b={"c": ">=1"}, c={}, d={})
    assert start_order(["a"], needs) == ["c", "b", "a"]


def test_what_is_missing_is_named_with_who_needs_it() -> None:
    with pytest.raises(NotFoundError) as caught:
        start_order(["a"], world(a={"b": ">=1"}, b={"gone": ">=1.2"}))
    assert (caught.value.code, caught.value.what) == ("MOP5112", "'b' needs the plugin 'gone', which is not installed")


def test_another_version_is_an_error_that_names_both() -> None:
    with pytest.raises(PluginError, match=">=2") as caught:
        start_order(["a"], world(a={"b": ">=2"}, b={}))
    assert caught.value.code == "MOP5113"


def test_a_circle_is_an_error_that_shows_it() -> None:
    with pytest.raises(PluginError, match="'b' needs") as caught:
        start_order(["a"], world(a={"b": ">=1"}, b={"c": ">=1"}, c={"b": ">=1"}))
    assert caught.value.code == "MOP5114"


def test_of_the_enabled_ones_those_that_can_be_started_are() -> None:
    needs = world(a={"b": ">=1"}, b={"a": ">=1"}, c={"d": ">=1"}, d={}, e={"gone": ">=1"})
    assert enabled_order(["a", "c", "e", "unknown"], needs) == ["d", "c"]


def test_who_needs_a_plugin_counts_only_while_it_runs() -> None:
    needs = world(a={"b": ">=1"}, c={"b": ">=1"}, b={})
    assert needed_by("b", ["a", "b"], needs) == ["a"]


def test_a_circle_that_runs_nevertheless_can_be_stopped() -> None:
    assert stop_waves(["a", "b"], world(a={"b": ">=1"}, b={"a": ">=1"})) == [["a", "b"]]


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8))
def test_orders_of_a_world_without_circles_respect_every_need(edges: list[set[int]]) -> None:
    plugins = {f"p{number}": {f"p{to}": ">=1" for to in tos if to < number} for number, tos in enumerate(edges)}
    needs = world(**plugins)
    order = start_order(sorted(plugins), needs)
    waves = {name: number for number, wave in enumerate(stop_waves(plugins, needs)) for name in wave}
    for name, ranges in plugins.items():
        for needed in ranges:
            assert order.index(needed) < order.index(name)
            assert waves[name] < waves[needed]
