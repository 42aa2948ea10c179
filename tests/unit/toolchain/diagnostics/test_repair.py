"""``validate --fix``: only what has one safe correction."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import HostFault
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.diagnostics import repair

if TYPE_CHECKING:
    from pathlib import Path

GOOD = (
    '{\n  "name": "a",\n  "version": "1.0.0",\n  "description": "d",\n  "author": "a",\n  "license": "MIT",\n'
    '  "type": "service",\n  "entry_point": "main.py",\n  "permissions": ["network.http", "ui.render"]\n}\n'
)
EXAMPLES = sorted((schema_root() / "examples").glob("*/*.json"))


def fixed(text: str, name: str = "plugin.json") -> str:
    """Return the corrected text."""
    return repair.repaired(text, name=name)


@pytest.mark.parametrize(
    "broken",
    [
        "\ufeff" + GOOD,
        GOOD.removesuffix("\n"),
        GOOD.replace('"ui.render"]', '"ui.render",]'),
        GOOD.replace('"a",\n', '"a", // the name\n', 1),
        GOOD.replace("{\n", "{\n  # a comment\n"),
        GOOD.replace("{\n", "{\n  /* over\n     lines */\n"),
        GOOD.replace('"ui.render"', '"ui.render", "network.http"'),
        GOOD.replace('"ui.render"', '"ui.render",\n    "ui.render"'),
        GOOD.replace('"version"', '"versoin"'),
        GOOD.replace('"permissions"', '"permision"'),
        GOOD.replace('"version"', '"versoin"').replace('"permissions"', '"permision"').replace("]", ', "ui.render",]'),
    ],
)
def test_a_safe_mistake_is_corrected_and_nothing_else_changes(broken: str) -> None:
    assert fixed(broken) == GOOD


@pytest.mark.parametrize(
    "unclear",
    [
        GOOD.replace('"a",\n', '"a",\n  "name": "b",\n', 1),  # which of the two names?
        GOOD.replace('"author": "a",', '"author": "a",\n  "autor": "b",'),  # the right key is there too
        GOOD.replace('"version": "1.0.0"', '"versoin": "1.0.0",\n  "versino": "2.0.0"'),
        GOOD.replace('"service"', '"servce"'),  # a value is the author's decision
        GOOD.replace('"network.http"', '"network.htp"'),
        GOOD.replace('"description"', '"zzz"'),
        GOOD.replace('"1.0.0",', '"1.0.0"'),  # not JSON, and more than one way to make it so
        "{'name': 'a'} // x\n",
        "",
    ],
)
def test_what_would_be_a_guess_is_left_alone(unclear: str) -> None:
    assert fixed(unclear) == unclear


def test_line_ends_stay_what_they_are() -> None:
    broken = GOOD.replace('"a",\n', '"a", // x\n', 1).replace("\n", "\r\n").removesuffix("\r\n")
    assert fixed(broken) == GOOD.replace("\n", "\r\n")


def test_a_comment_sign_inside_a_text_stays() -> None:
    text = GOOD.replace('"d"', '"http://x/*y*/ #z,]"')
    assert fixed(text) == text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_second_repair_changes_nothing(path: Path) -> None:
    once = fixed(path.read_bytes().decode("utf-8", "replace"))
    assert fixed(once) == once


@given(st.text(alphabet='{}[]",:/*# \n\\ab1-', max_size=60))
def test_any_text_is_repaired_once(text: str) -> None:
    assert fixed(fixed(text)) == fixed(text)


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.parent.name == "valid"], ids=lambda path: path.stem)
def test_a_valid_manifest_keeps_its_value(path: Path) -> None:
    assert json.loads(fixed(path.read_text(encoding="utf-8"))) == json.loads(path.read_text(encoding="utf-8"))


def test_a_misspelt_key_inside_a_list_of_objects_is_corrected() -> None:
    panels = '"permissions": ["ui.render"],\n  "ui": {"themes": [{"name": "a", "tokens": {"background": "#111111"}}]}'
    good = GOOD.replace('"permissions": ["network.http", "ui.render"]', panels)
    assert fixed(good) == good
    assert fixed(good.replace('"tokens"', '"tokns"')) == good


def test_yaml_keeps_its_comments() -> None:
    text = (
        "# mine\nname: a\nversoin: '1.0.0' # quoted\ndescription: d\nauthor: a\nlicense: MIT\ntype: service\n"
        "entry_point: main.py\npermissions:\n  - ui.render\n  - ui.render\n  # why\n  - network.http"
    )
    wanted = text.replace("versoin", "version").replace("  - ui.render\n", "", 1) + "\n"
    assert fixed(text, "plugin.yaml") == wanted


def test_an_item_with_a_comment_before_it_stays() -> None:
    text = "permissions:\n  - ui.render\n  # why\n  - ui.render\n"
    assert fixed(text, "plugin.yaml") == text


def test_the_file_is_replaced_whole_and_keeps_its_mode(plugin: Path) -> None:
    path = plugin / "plugin.json"
    path.write_text(GOOD.replace("]", ",]"))
    path.chmod(0o640)
    planned = repair.plan(plugin)
    assert planned is not None
    repair.write(plugin, planned)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (GOOD, 0o640)
    assert sorted(path.name for path in plugin.iterdir()) == ["main.py", "plugin.json"]


def test_a_diff_shows_the_change_and_no_terminal_commands(plugin: Path) -> None:
    (plugin / "plugin.json").write_text(GOOD.replace("{\n", "{ // \x1b[2J\r\n").removesuffix("\n"))
    planned = repair.plan(plugin)
    assert planned is not None
    lines = planned.diff().splitlines()
    assert lines[:2] == ["--- a/plugin.json", "+++ b/plugin.json"]
    assert {"+{", "-}", "\\ No newline at end of file", "+}"} <= set(lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/hostname")])
def test_what_is_no_file_is_not_repaired(plugin: Path, make: object) -> None:
    (plugin / "plugin.json").unlink()
    make(plugin / "plugin.json")
    assert repair.plan(plugin) is None


def test_a_text_that_is_not_utf_8_is_not_repaired(plugin: Path) -> None:
    (plugin / "plugin.json").write_bytes(b'{"a": "\xeb"}')
    assert repair.plan(plugin) is None


def test_a_manifest_that_cannot_be_written_is_an_error(plugin: Path) -> None:
    with pytest.raises(HostFault) as caught:
        repair.write(plugin, repair.Repair("absent.json", "", "x"))
    assert caught.value.code == repair.CODE_WRITE
