"""`mobileops.runtime.settings`: what the manifest says a setting may be, and what becomes of a change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import NotFoundError, PluginError, UsageError
from mobileops.manifest import Manifest, parse
from mobileops.runtime.settings.change import Change, Known, difference
from mobileops.runtime.settings.files import NOTHING, Stored
from mobileops.runtime.settings.judgement import check, handed, known_to, missing, secrets, strongest
from mobileops.runtime.settings.overview import overview

if TYPE_CHECKING:
    from pathlib import Path

DEFINED = {
    "host": {"type": "string", "pattern": "^[a-z.]+$", "apply": "reload"},
    "level": {"type": "string", "enum": ["low", "high"], "default": "low"},
    "port": {"type": "integer", "minimum": 1, "maximum": 99, "apply": "live"},
    "ratio": {"type": "number", "minimum": 0, "default": 0.5},
    "share": {"type": "number", "maximum": 1, "default": 0.5},
    "token": {"type": "string", "secret": True, "apply": "live"},
}


def manifest(schema: dict[str, Any] | None = None, **values: Any) -> Manifest:
    document = {"name": "echo", "version": "1.0.0", "description": "d", "author": "a", "license": "MIT"}
    document |= {"type": "service", "entry_point": "main.py", "permissions": [], "configuration": values}
    return parse(json.dumps(document | ({"configuration_schema": schema} if schema else {})).encode())


def known(one: Manifest, folder: Path, stored: Stored = NOTHING) -> Known:
    return Known(one, folder, stored, suggest=lambda word, _names: f"not {word}")


def test_all_that_is_wrong_is_said_at_once_and_no_secret_is_told(tmp_path: Path) -> None:
    stored = Stored({"port": 100, "host": "UPPER", "level": "hihg"}, {"token": 12345})
    with pytest.raises(PluginError) as caught:
        check(manifest(DEFINED), stored, folder=tmp_path, names=frozenset(stored.all))
    assert caught.value.code == "MOP5403"
    for word in (
        "'port' cannot be 100",
        "99 or less",
        "pattern ^[a-z.]+$",
        "'level' cannot be 'hihg'",
        "'token' cannot be that",
    ):
        assert word in caught.value.what
    assert "12345" not in str(caught.value)


def test_a_pattern_is_tried_only_for_what_was_changed(tmp_path: Path) -> None:
    check(manifest(DEFINED), Stored({"host": "UPPER"}, {}), folder=tmp_path, names=frozenset())


def test_what_only_another_version_knows_is_kept_but_not_handed_over(tmp_path: Path) -> None:
    stored = Stored({"gone": 1, "port": 5, "host": "a"}, {"token": "abcd"})
    found = handed(manifest(DEFINED), stored, folder=tmp_path)
    assert found.values == {"port": 5, "host": "a", "token": "abcd"}
    assert found.secrets == ("abcd",)
    assert found.ignored == ("gone",)
    check(manifest(DEFINED), stored, folder=tmp_path, names=frozenset({"gone"}))


def test_settings_that_do_not_fit_this_version_stop_a_start(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"do not fit version 1\.0\.0: port: a whole number"):
        handed(manifest(DEFINED), Stored({"port": "x"}, {}), folder=tmp_path)


@pytest.mark.parametrize(
    ("stored", "fix"), [(NOTHING, "--set host=VALUE"), (Stored({"host": "a", "port": 1}, {}), "--secret token")]
)
def test_a_setting_without_any_value_stops_a_start(tmp_path: Path, stored: Stored, fix: str) -> None:
    with pytest.raises(PluginError) as caught:
        handed(manifest(DEFINED), stored, folder=tmp_path)
    assert caught.value.code == "MOP5405"
    assert caught.value.fix == f"mobileops config echo {fix}"


def test_default_conf_gives_values_and_settings(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "default.conf").write_text("[plugin]\nhost = a\nport = 7\n[server]\nx = 1\n")
    assert missing(manifest(DEFINED), NOTHING, folder=tmp_path) == ["token"]
    assert known_to(manifest(), tmp_path) == {"host": {"type": "string"}, "port": {"type": "string"}, "server": {}}
    assert handed(manifest(), Stored({"host": "b"}, {}), folder=tmp_path).values == {"host": "b"}
    rows = {one.name: (one.value, one.origin) for one in overview(manifest(DEFINED), DEFINED, NOTHING, tmp_path)}
    assert rows["port"] == (7, "default.conf")
    assert rows["level"] == ("low", "schema")
    assert rows["token"] == (None, "missing")


def test_a_default_conf_that_is_broken_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "default.conf").write_text("no ini")
    assert known_to(manifest(), tmp_path) == {}


def test_types_are_inferred_from_default_values(tmp_path: Path) -> None:
    one = known(manifest(text="a", number=1.0, whole=1, flag=True, things=[], more={}, anything=None), tmp_path)
    words = ["text=1", "number=2", "whole=2", "flag=false", "things=[1]", 'more={"a": 1}', "anything=free text"]
    assert one.assignments(words) == {
        "text": "1",
        "number": 2,
        "whole": 2,
        "flag": False,
        "things": [1],
        "more": {"a": 1},
        "anything": "free text",
    }
    assert one.assignments(["anything=[1]"]) == {"anything": [1]}
    check(manifest(anything=None), Stored({"anything": 5}, {}), folder=tmp_path, names=frozenset({"anything"}))


@pytest.mark.parametrize(
    ("word", "error", "code"),
    [
        ("port", UsageError, "MOP5412"),
        ("prot=1", NotFoundError, "MOP5402"),
        ("port=abc", PluginError, "MOP5403"),
        ("port=0x10", PluginError, "MOP5403"),
        ("port=yes", PluginError, "MOP5403"),
        ("token=planted", UsageError, "MOP5404"),
    ],
)
def test_words_that_are_no_assignment_are_refused(tmp_path: Path, word: str, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        known(manifest(DEFINED), tmp_path).assignments([word])
    assert caught.value.code == code
    assert "planted" not in str(caught.value)


def test_a_secret_of_the_wrong_type_is_not_in_the_message(tmp_path: Path) -> None:
    one = known(manifest({"pin": {"type": "integer", "secret": True}}), tmp_path)
    with pytest.raises(PluginError) as caught:
        one.value("pin", "planted")
    assert "planted" not in str(caught.value)


def test_a_change_touches_only_what_it_names(tmp_path: Path) -> None:
    before = Stored({"port": 1, "host": "a", "gone": 1}, {"token": "old!", "key": "of another version"})
    one = known(manifest(DEFINED), tmp_path, before)
    after = one.changed(Change({"port": 2, "token": "new!"}, one.removals(["host", "gone"])))
    assert after == Stored({"port": 2}, {"token": "new!", "key": "of another version"})
    assert difference(before, after) == {"port", "host", "gone", "token"}
    assert one.changed(Change({}, everything=True)) == NOTHING
    with pytest.raises(NotFoundError):
        one.removals(["nonesuch"])


def test_the_strongest_way_to_apply_counts() -> None:
    assert strongest(DEFINED, frozenset({"port", "token"})) == "live"
    assert strongest(DEFINED, frozenset({"port", "host"})) == "reload"
    assert strongest(DEFINED, frozenset({"port", "host", "level"})) == "restart"
    assert strongest(DEFINED, frozenset({"gone"})) is None


def test_a_secret_that_somebody_wrote_into_the_wrong_file_is_hidden_too(tmp_path: Path) -> None:
    stored = Stored({"token": "abcd"}, {})
    assert secrets(manifest(DEFINED), stored) == ("abcd",)
    (row,) = (one for one in overview(manifest(DEFINED), DEFINED, stored, tmp_path) if one.name == "token")
    assert (row.value, row.default, row.is_set) == (None, None, True)


def test_the_overview_says_what_a_setting_takes(tmp_path: Path) -> None:
    rows = {one.name: one.needs for one in overview(manifest(DEFINED), DEFINED, Stored({"gone": 1}, {}), tmp_path)}
    assert rows == {
        "gone": "any value",
        "host": "string, like ^[a-z.]+$",
        "level": "string, one of low, high",
        "port": "integer, 1 to 99",
        "ratio": "number, 0 or more",
        "share": "number, 1 or less",
        "token": "string, secret",
    }


def test_a_long_value_is_cut_in_a_message(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        known(manifest(DEFINED), tmp_path).assignments(["port=" + "9x" * 500])
    assert len(caught.value.what) < 200
