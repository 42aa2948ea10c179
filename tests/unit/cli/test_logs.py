"""``mobileops logs``: filters, following, and what a terminal must not get."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mobileops.cli.commands._times import moment
from mobileops.errors import UsageError
from mobileops.runtime.home import Home
from mobileops.runtime.logs import LogFile, Record, timestamp
from tests.fakes.published_json import as_published

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def write(home: Home, plugin: str, message: str, *, level: str = "INFO", time_s: float = 0.0, **fields: object) -> None:
    LogFile(home.logs / f"{plugin}.jsonl").append(
        Record(time=timestamp(time_s), plugin=plugin, level=level, source="plugin", message=message, fields=fields)
    )


def test_filters_work_together(mobileops: Run, home: Home) -> None:
    write(home, "a", "timeout one", level="ERROR", user=1)
    write(home, "a", "timeout two", level="INFO", user=1)
    write(home, "a", "timeout three", level="ERROR", user=2)
    write(home, "b", "timeout four", level="ERROR", user=1)
    code, out, _ = mobileops("logs", "a", "search", "TIMEOUT", "--level", "error", "--field", "user=1")
    assert (code, [line.split(": ")[1] for line in out.splitlines()]) == (0, ["timeout one user=1"])


def test_records_for_programs_are_lines_of_json(mobileops: Run, home: Home) -> None:
    write(home, "a", "one", user=1)
    write(home, "a", "two")
    lines = mobileops("logs", "--json")[1].splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["one", "two"]
    assert all(as_published("logs", line) for line in lines)


def test_only_the_last_records_are_shown_unless_all_are_wanted(mobileops: Run, home: Home) -> None:
    for number in range(5):
        write(home, "a", f"m{number}", time_s=number)
    assert re.findall(r"m\d", mobileops("logs", "-n", "2")[1]) == ["m3", "m4"]
    assert len(mobileops("logs", "-n", "0")[1].splitlines()) == 5


def test_times_may_be_given_as_people_do(mobileops: Run, home: Home) -> None:
    write(home, "a", "old", time_s=0)
    write(home, "a", "later", time_s=86400 * 1.5)
    assert "old" not in mobileops("logs", "--since", "1970-01-02")[1]
    assert "later" not in mobileops("logs", "--until", "1970-01-02T00:00:00+00:00")[1]
    assert mobileops("logs", "--since", "1h")[2] == "no records\n"


@pytest.mark.parametrize("text", ["yesterday", "5", "10 m", "2026-13-01", "9999-99-99", "99999999999d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, option="--since")


@pytest.mark.parametrize(
    "words",
    [["search"], ["a", "search"], ["a", "find", "x"], ["-n", "-1"], ["-n", "x"], ["--field", "x"], ["--level", "loud"]],
)
def test_mistakes_are_usage(mobileops: Run, home: Home, words: list[str]) -> None:
    write(home, "a", "x")
    assert mobileops("logs", *words)[0] == 2


def test_a_mistyped_plugin_is_told(mobileops: Run, home: Home) -> None:
    assert mobileops("logs", "nonesuch")[0] == 1


def test_what_a_plugin_writes_cannot_act_on_a_terminal(mobileops: Run, home: Home) -> None:
    write(home, "a", "\x1b[31mred\u202e and ünïcode", level="\x07")
    out = mobileops("logs")[1]
    assert "\\x1b[31mred\\u202e and ünïcode" in out
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert "\x07" not in out


def test_following_goes_on_with_what_comes(home: Home, tmp_path: Path) -> None:
    write(home, "a", "before")
    words = [sys.executable, "-u", "-m", "mobileops.cli.main", "logs", "a", "--follow", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={"MOBILEOPS_HOME": str(home.root)}) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["message"] == "before"
        write(home, "a", "after")
        assert json.loads(process.stdout.readline())["message"] == "after"
        process.send_signal(2)
        assert process.wait() == 130


def test_the_plugin_managers_own_words_are_shown(mobileops: Run, home: Home) -> None:
    code, _out, err = mobileops("logs", "--daemon")
    assert (code, "MOP5501" in err) == (1, True)
    (home.logs / "daemon.log").write_text("one\n\x1b[2Jtwo\n")
    assert mobileops("logs", "--daemon")[1] == "one\n\\x1b[2Jtwo\n"
    assert mobileops("logs", "--daemon", "-n", "1")[1] == "\\x1b[2Jtwo\n"
