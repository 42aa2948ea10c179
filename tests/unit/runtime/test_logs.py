"""`mobileops.runtime.logs`: bounded structured logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from mobileops.runtime.home import Home
from mobileops.runtime.logs import MAX_FIELDS_BYTES, MAX_MESSAGE_CHARACTERS, LogFile, Record, read, timestamp

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def record(message: str, plugin: str = "echo", **fields: object) -> Record:
    return Record(
        time="2026-01-01T00:00:00.000Z", plugin=plugin, level="INFO", source="plugin", message=message, fields=fields
    )


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
