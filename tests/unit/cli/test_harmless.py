"""What a plugin has a part in cannot act on the terminal of whoever looks at it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from mobileops.cli.console import Console
from mobileops.errors import PluginError
from mobileops.runtime.home import Home
from mobileops.runtime.logs.writing import LogFile, Record
from mobileops.toolchain.sign import KeySigner
from tests.fakes.daemon_thread import serving
from tests.fakes.key_signature import trusted_key
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run

CLEAR = "\x1b[2J"
TURNED = "\u202e"
ACTING = f"{CLEAR}{TURNED}"
SHOWN = "\\x1b[2J\\u202e"
CODE = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Loud(ServicePlugin):
        def initialize(self):
            if self.config["quiet"]:
                return True
            raise ValueError("\\x1b[2J\\u202e\\nsecond line")

        def health_check(self):
            return {"status": "healthy", "word": "\\x1b[2J\\u202e"}

        @plugin_method
        def fail(self):
            raise ValueError("\\x1b[2J\\u202e")
"""


@pytest.mark.parametrize("write", ["print", "prose", "findings", "note", "error", "table", "fields", "wrapped"])
def test_every_way_to_write_for_people_shows_escapes(write: str) -> None:
    stream = io.StringIO()
    console = Console(io.StringIO(), stream, stream, {})
    arguments = {
        "error": (PluginError(ACTING, code="MOP5106"),),
        "table": (("A",), [(ACTING,)]),
        "fields": ({"a": ACTING},),
        "wrapped": ("a: ", ACTING),
    }
    getattr(console, write)(*arguments.get(write, (ACTING,)))
    assert SHOWN in stream.getvalue()
    assert not {CLEAR[0], TURNED} & set(stream.getvalue())


def test_lines_and_tabs_stay_where_lines_are_written_and_not_in_a_cell() -> None:
    stream = io.StringIO()
    console = Console(io.StringIO(), stream, stream, {})
    console.print("a\tb\nc")
    console.table(("A", "B"), [("one\ntwo", "three")])
    assert stream.getvalue() == "a\tb\nc\nA         B\none\\ntwo  three\n"


def test_what_programs_read_is_as_it_was(mobileops: Run, tmp_path: Path) -> None:
    """A no-break space is no printable character, and ``\\xa0`` is no JSON."""
    write_plugin(tmp_path / "echo", **{"ver\u00a0sio": 1})
    for form in ("json", "sarif"):
        code, out, _err = mobileops("validate", "echo", "--format", form)
        assert (code, "ver\u00a0sio" in json.dumps(json.loads(out), ensure_ascii=False)) == (1, True)
    home = Home(tmp_path / "home").prepare()
    record = Record(time="2026-11-22T20:00:00.000Z", plugin="echo", level="INFO", source="plugin", message="a\u00a0b")
    LogFile(home.logs / "echo.jsonl").append(record)
    assert json.loads(mobileops("logs", "--json")[1])["message"] == "a\u00a0b"
    assert "a\\xa0b" in mobileops("logs")[1]


def test_a_hostile_plugin_reaches_no_terminal(mobileops: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    key = trusted_key(home, tmp_path)
    settings = {"quiet": {"type": "boolean", "default": False, "description": "Whether it starts"}}
    bundle = Publisher(home, tmp_path).publish_as(KeySigner(key), "loud", code=CODE, configuration_schema=settings)
    assert mobileops("install", str(bundle), "--yes")[0] == 0
    said = []
    with serving(home, monkeypatch):
        said.append(mobileops("start", "loud"))
        said += [mobileops("status"), mobileops("status", "loud")]
        assert mobileops("config", "loud", "--set", "quiet=true")[0] == 0
        assert mobileops("start", "loud")[0] == 0
        said += [
            mobileops("status", "loud", "--detailed"),
            mobileops("call", "loud", "fail"),
            mobileops("stop", "loud"),
        ]
    texts = [out + err for _code, out, err in said]
    assert [SHOWN in text for text in texts] == [True, True, True, True, True, False]
    assert not {CLEAR[0], TURNED} & set("".join(texts))
