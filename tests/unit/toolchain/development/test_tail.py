"""`Tail`: records are passed on once each, and a reader that went away is no traceback."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mobileops.runtime import logs
from mobileops.runtime.home import Home
from mobileops.toolchain.development.tail import Tail

if TYPE_CHECKING:
    from pathlib import Path


def test_records_are_passed_on_once_each_and_the_last_ones_at_the_end(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    seen: list[str] = []
    there = threading.Event()

    def show(record: logs.Record) -> None:
        seen.append(record.message)
        there.set()

    log = logs.LogFile(home.logs / "echo.jsonl")

    def write(message: str) -> None:
        log.append(logs.Record(time=logs.timestamp(0.0), plugin="echo", level="INFO", source="log", message=message))

    with Tail(home, show) as tail:
        write("first")
        assert there.wait(60)
        write("second")
        tail.drain()
        assert "second" in seen
        write("last")
    assert seen == ["first", "second", "last"]


def test_a_reader_that_went_away_ends_the_thread_and_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    refused = threading.Event()

    def show(_record: logs.Record) -> None:
        refused.set()
        raise BrokenPipeError

    record = logs.Record(time=logs.timestamp(0.0), plugin="echo", level="INFO", source="log", message="one")
    with Tail(home, show):
        logs.LogFile(home.logs / "echo.jsonl").append(record)
        assert refused.wait(60)
