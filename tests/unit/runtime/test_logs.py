"""`mobileops.runtime.logs`: bounded structured logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from mobileops.runtime.home import Home
from mobileops.runtime.logs import LogFile, Record, read, timestamp
from mobileops.runtime.logs.following import Follower
from mobileops.runtime.logs.query import Query
from mobileops.runtime.logs.reading import pieces, pieces_from_end
from mobileops.runtime.logs.writing import MAX_FIELDS_BYTES, MAX_MESSAGE_CHARACTERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def record(message: str, plugin: str = "echo", *, level: str = "INFO", second: int = 0, **fields: object) -> Record:
    time = f"2026-01-01T00:00:{second:02d}.000Z"
    return Record(time=time, plugin=plugin, level=level, source="plugin", message=message, fields=fields)


def messages(home: Home, query: Query, *, last: int | None = None) -> list[str]:
    return [one.message for one in read(home, query=query, last=last)]


def write(home: Home, *records: Record, limit: int = 1 << 20) -> None:
    for one in records:
        LogFile(home.logs / f"{one.plugin}.jsonl", limit=limit).append(one)


def test_what_is_written_is_read_in_order(home: Home) -> None:
    write(home, record("first", answer=42), record("second"))
    assert list(read(home, plugin="echo")) == [record("first", answer=42), record("second")]


def test_a_file_is_rotated_at_its_limit_and_the_oldest_is_dropped(home: Home) -> None:
    write(home, *(record(f"message {number} " + "x" * 200) for number in range(10)), limit=1000)
    sizes = [path.stat().st_size for path in home.logs.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1000
    assert [one.message.split()[1] for one in read(home, plugin="echo")][-1] == "9"


def test_long_messages_and_fields_are_cut_with_a_mark(home: Home) -> None:
    write(home, record("m" * (MAX_MESSAGE_CHARACTERS + 1), huge="x" * MAX_FIELDS_BYTES))
    (one,) = read(home, plugin="echo")
    assert one.message.endswith("… (cut)")
    assert list(one.fields) == ["dropped"]


def test_fields_that_json_cannot_carry_are_dropped_with_a_mark(home: Home) -> None:
    write(home, record("odd", thing=msgspec.msgpack.Ext(1, b"x")))
    (one,) = read(home, plugin="echo")
    assert "no JSON" in one.fields["dropped"]


def test_a_search_ignores_case_and_finds_a_plugin_by_name(home: Home) -> None:
    write(home, record("Connected"), record("other"), record("nothing", plugin="second"))
    assert [one.message for one in read(home, text="connected")] == ["Connected"]
    assert [one.message for one in read(home, text="second")] == ["nothing"]


def test_a_torn_last_line_is_passed_over(home: Home) -> None:
    write(home, record("whole"))
    with (home.logs / "echo.jsonl").open("ab") as stream:
        stream.write(b'{"time": "2026')
    assert [one.message for one in read(home, plugin="echo")] == ["whole"]


def test_a_plugin_without_a_log_has_no_records(home: Home) -> None:
    assert list(read(home, plugin="nobody")) == []


def test_timestamps_are_rfc_3339_in_utc() -> None:
    assert timestamp(0.0625) == "1970-01-01T00:00:00.062Z"


def test_records_of_several_plugins_are_told_by_time(home: Home) -> None:
    write(
        home,
        record("1", second=1),
        record("3", second=3),
        record("2", "second", second=2),
        record("4", "second", second=4),
    )
    assert messages(home, Query()) == ["1", "2", "3", "4"]
    assert messages(home, Query(), last=3) == ["2", "3", "4"]
    assert messages(home, Query(), last=0) == []


def test_the_last_records_are_read_through_a_rotation(home: Home) -> None:
    write(home, *(record(f"{number} " + "x" * 200, second=number) for number in range(6)), limit=1000)
    assert [message.split()[0] for message in messages(home, Query(), last=5)] == ["1", "2", "3", "4", "5"]


def test_a_level_is_the_least_that_counts(home: Home) -> None:
    write(home, *(record(level, level=level) for level in ("DEBUG", "INFO", "NOTICE", "WARNING", "CRITICAL")))
    assert messages(home, Query(level="WARNING")) == ["WARNING", "CRITICAL"]
    assert messages(home, Query(level="INFO")) == ["INFO", "NOTICE", "WARNING", "CRITICAL"]


def test_times_are_from_and_before(home: Home) -> None:
    write(home, *(record(str(second), second=second) for second in range(5)))
    since, until = "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:03.000Z"
    assert messages(home, Query(since=since, until=until)) == ["1", "2"]
    assert messages(home, Query(since=since, until=until), last=10) == ["1", "2"]
    assert messages(home, Query(since="2026-01-02T00:00:00.000Z"), last=10) == []


def test_fields_are_compared_as_text_or_as_json(home: Home) -> None:
    write(home, record("a", user=7, ok=True, name="x"), record("b", user="7", ok=False), record("c"))
    assert messages(home, Query(fields=(("user", "7"),))) == ["a", "b"]
    assert messages(home, Query(fields=(("ok", "true"), ("name", "x")))) == ["a"]


@pytest.mark.parametrize("text", ['say "hi"', "back\\slash", "tab\there", "ÄRGER", "ärger", "straße", "STRASSE"])
def test_a_text_is_found_whatever_json_does_to_it(home: Home, text: str) -> None:
    write(home, record("nothing"), record('say "hi" to back\\slash, tab\there, Ärger, Straße'))
    assert len(messages(home, Query(text=text))) == (0 if text == "STRASSE" else 1)


def test_a_text_is_found_in_every_piece_of_a_large_file(home: Home) -> None:
    line = b'{"time":"2026-01-01T00:00:00.000Z","plugin":"echo","level":"INFO","source":"x","message":"%d Needle"}\n'
    (home.logs / "echo.jsonl").write_bytes(b"".join(line % n for n in range(20_000)))
    found = messages(home, Query(text="needle"))
    assert found == [f"{n} Needle" for n in range(20_000)]
    assert messages(home, Query(text="needle"), last=20_001) == found
    assert messages(home, Query(text="needle"), last=3) == found[-3:]


@pytest.mark.parametrize("size", [3, 5, 8, 100])
@pytest.mark.parametrize("end", [None, 0, 9])
@pytest.mark.parametrize(
    "text", [b"", b"a\n", b"one\ntwo\nthree\n", b"one\ntwo", b"a line that is long\nb\n", b"\n\n\n"]
)
def test_pieces_are_the_file_from_either_end(tmp_path: Path, text: bytes, end: int | None, size: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    end = None if end is None else min(end, len(text))
    assert b"".join(pieces(path, size=size, end=end)) == text[:end]
    assert b"".join(reversed(list(pieces_from_end(path, size=size, end=end)))) == text[:end]


def test_there_are_no_pieces_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert [*pieces(tmp_path / "none"), *pieces_from_end(tmp_path / "none")] == []


def test_followers_see_what_comes_and_only_that(home: Home) -> None:
    write(home, record("before"))
    with Follower(home, Query(text="wanted")) as follower:
        assert messages(home, Query()) == [one.message for one in read(home, ends=follower.ends)] == ["before"]
        write(home, record("wanted 2", second=2), record("other"), record("wanted 1", "new", second=1))
        assert [one.message for one in read(home, ends=follower.ends, plugin="echo")] == ["before"]
        assert [one.message for one in follower.new()] == ["wanted 1", "wanted 2"]
        assert follower.new() == []


def test_followers_lose_nothing_in_a_rotation_or_in_the_middle_of_a_line(home: Home) -> None:
    with Follower(home, Query(), plugin="echo") as follower:
        assert follower.new() == []
        path = home.logs / "echo.jsonl"
        write(home, record("one"))
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:20])
        assert [one.message for one in follower.new()] == ["one"]
        with path.open("ab") as stream:
            stream.write(whole[20:])
        path.rename(path.with_name("echo.jsonl.1"))
        assert [one.message for one in follower.new()] == ["one"]
        write(home, record("two"))
        assert [one.message for one in follower.new()] == ["two"]
