"""`mobileops.cli.glance`: the same as the verbs say, without what they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mobileops.cli import glance
from mobileops.cli.commands import list as listing
from mobileops.cli.commands import status
from mobileops.cli.console import Console
from mobileops.cli.parser import Parser
from mobileops.cli.verbs import BY_NAME
from mobileops.runtime.channel.rpc import Frame, Kind, encode
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import serving
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run


@pytest.fixture
def home(tmp_path: Path, mobileops: Run) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    for name in ("echo", "zebra"):
        Store(home).install(publisher.publish(name), verify=publisher.decision())
    return home


def by_the_verb(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the verb itself prints."""
    module: Any = {"list": listing, "status": status}[words[0]]
    parser = Parser(BY_NAME[words[0]])
    module.configure(parser)
    assert module.run(parser.parse(words[1:]), Console.of_process()) == 0
    return capsys.readouterr().out


def by_a_glance(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what is printed without the verb."""
    assert glance.answer(words, os.environ) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", list(glance.FORMS))
def test_a_glance_says_what_the_verb_says(
    home: Home, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_a_glance(capsys, *words) == by_the_verb(capsys, *words)
    with serving(home, monkeypatch):
        client = connect(home)
        assert client is not None
        client.ask("start", name="zebra")
        client.close()
        said = by_a_glance(capsys, *words)
        assert said == by_the_verb(capsys, *words)
        assert "running" in said or words[1:] in {("-q",), ("--quiet",)}


@pytest.mark.parametrize("verb", ["list", "status"])
def test_what_it_prints_for_programs_is_as_published(mobileops: Run, home: Home, verb: str) -> None:
    code, out, _ = mobileops(verb, "--json")
    found: Any = as_published(verb, out)
    assert (code, [one["name"] for one in found]) == (0, ["echo", "zebra"])


@pytest.mark.parametrize(
    "words", [["list", "--available"], ["status", "echo"], ["status", "--detailed"], ["list", "--help"]]
)
def test_other_forms_are_left_to_the_verb(home: Home, words: list[str]) -> None:
    assert glance.answer(words, os.environ) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": "echo"}', '{"name": "other"}'])
def test_a_receipt_that_is_not_understood_is_left_to_the_verb(home: Home, content: str) -> None:
    (home.store / "echo" / "current.json").write_text(content)
    assert glance.answer(["list"], os.environ) is None


def test_a_change_that_is_not_finished_is_left_to_the_verb(home: Home) -> None:
    (home.root / "journal.json").write_text("{}")
    assert glance.answer(["list"], os.environ) is None


def test_where_nothing_is_installed_the_verb_says_so(tmp_path: Path, mobileops: Run) -> None:
    assert glance.answer(["list"], os.environ) is None
    assert "nothing is installed" in mobileops("list")[2]
    assert "nothing is installed" in mobileops("status")[2]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 65535, 65536])
def test_the_answer_of_a_plugin_manager_is_read_as_it_is_written(size: int) -> None:
    text = "x" * size
    assert glance._text_in(encode(Frame(Kind.RESULT, 1, "", text))[4:]) == text.encode()


@pytest.mark.parametrize(
    "frame", [Frame(Kind.ERROR, 1, "", {}), Frame(Kind.RESULT, 2, "", "x"), Frame(Kind.RESULT, 1, "", 5)]
)
def test_another_answer_is_none(frame: Frame) -> None:
    assert glance._text_in(encode(frame)[4:]) is None
    assert glance._text_in(b"") is None


def test_the_question_is_a_frame_of_the_channel() -> None:
    names = b"echo\nzebra"
    wire = glance._CALL + len(names).to_bytes(4, "big") + names
    assert msgspec.msgpack.decode(wire) == [Kind.CALL, 1, "glance", {"names": "echo\nzebra"}]


def test_nothing_heavy_is_imported(home: Home) -> None:
    code = (
        "import sys; from mobileops.cli.main import main; main(['status']); print([n for n in sys.modules if n in %r])"
    )
    heavy = ["argparse", "msgspec", "pathlib", "typing", "asyncio", "inspect", "mobileops.cli.console"]
    environment = {"MOBILEOPS_HOME": str(home.root)}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code % heavy], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert json.dumps(done.stderr) == '""'
