"""`mobileops.runtime.redaction`: secret values do not get out by accident."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from mobileops.runtime.redaction import MARK, NONE, Redaction

SECRET = 'p"l ä\\n/ted'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        repr(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_every_usual_form(form: str) -> None:
    text = Redaction([SECRET]).text(f"before {form} after")
    assert MARK in text
    assert form not in text
    assert "before" in text


def test_values_are_hidden_at_every_depth_and_in_keys() -> None:
    hide = Redaction(["planted", 123456]).value
    assert hide({"a": ["xplantedx", {"planted": (1, 123456, 1.5, True, None)}]}) == {
        "a": [f"x{MARK}x", {MARK: [1, MARK, 1.5, True, None]}]
    }
    assert hide(b"planted") == f"b'{MARK}'"


def test_each_line_of_a_long_secret_is_one() -> None:
    redaction = Redaction(["-----BEGIN KEY-----\nMIIEabcdef\n-----END KEY-----\n"])
    assert redaction.text("got MIIEabcdef here") == f"got {MARK} here"


def test_secrets_in_lists_and_objects_are_secrets() -> None:
    assert Redaction([["first"], {"key": "second"}, None, True]).text("first second key") == f"{MARK} {MARK} key"


def test_the_longest_of_two_secrets_wins_and_short_ones_are_left() -> None:
    assert Redaction(["abcd", "abcdef", "a"]).text("abcdef a") == f"{MARK} a"


def test_without_secrets_everything_is_as_it_was() -> None:
    value = {"a": object()}
    assert NONE.value(value) is value
    assert NONE.text("text") == "text"


def test_secrets_before_a_change_stay_hidden() -> None:
    both = Redaction(["first"]).and_also(["second", "first"])
    assert both.text("first second") == f"{MARK} {MARK}"
    assert both.and_also(["first"]) is both
