"""Names of plugins and of their classes."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.toolchain.scaffold import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my-plugin", "MyPlugin"),
        ("a", "A"),
        ("my-2nd-plugin", "My2ndPlugin"),
        ("3d-view", "Plugin3dView"),
        ("none", "NonePlugin"),
        ("value-error", "ValueErrorPlugin"),
        ("service-plugin", "ServicePluginPlugin"),
        ("any", "AnyPlugin"),
    ],
)
def test_a_class_name_follows_the_plugins_name(name: str, expected: str) -> None:
    assert names.class_name(name) == expected


@given(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True))
def test_a_class_name_can_always_be_defined(name: str) -> None:
    made = names.class_name(name)
    assert made.isidentifier()
    assert not keyword.iskeyword(made)


@given(st.text(max_size=80))
def test_a_suggestion_is_itself_a_valid_name(text: str) -> None:
    near = names.suggestion(text)
    if near is not None:
        names.require(near)


def test_a_valid_name_is_its_own_suggestion() -> None:
    assert names.suggestion("my-plugin") == "my-plugin"


@pytest.mark.parametrize("text", ["", "!!!", "日本語"])
def test_nothing_is_suggested_where_nothing_is_left(text: str) -> None:
    assert names.suggestion(text) is None
