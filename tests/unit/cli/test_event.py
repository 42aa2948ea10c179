"""``mobileops event``, through `main`, with a plugin manager in a thread."""

from __future__ import annotations

import io
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import event as verb
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect
from tests.fakes.daemon_thread import DaemonThread, serving
from tests.fakes.published_json import as_published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Run


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonThread]:
    with serving(Home(tmp_path / "home").prepare(), monkeypatch) as thread:
        yield thread


def emit_soon(manager: DaemonThread, *events: tuple[str, dict[str, Any]]) -> threading.Thread:
    """Emit events as soon as somebody looks on."""

    def emit() -> None:
        bus = manager.daemon_object._supervisor.events
        while not bus._onlookers:
            pass
        for topic, event in events:
            manager.loop.call_soon_threadsafe(lambda topic=topic, event=event: bus.emit(topic, event, by="plugin:echo"))

    thread = threading.Thread(target=emit)
    thread.start()
    return thread


@pytest.mark.usefixtures("manager")
def test_an_event_is_handed_to_whoever_listens(mobileops: Run) -> None:
    assert mobileops("event", "emit", "a.b") == (0, "a.b was handed to 0 plugins\n", "")
    code, out, _err = mobileops("event", "emit", "a.b", '{"x": 1}', "--json")
    assert (code, as_published("event-emit", out)) == (0, {"topic": "a.b", "plugins": 0})


def test_without_a_plugin_manager_nobody_hears_and_none_is_started(mobileops: Run, tmp_path: Path) -> None:
    code, out, err = mobileops("event", "emit", "a.b")
    assert (code, out) == (0, "a.b was handed to 0 plugins\n")
    assert "does not run" in err
    assert connect(Home(tmp_path / "home")) is None


@pytest.mark.usefixtures("manager")
def test_an_event_comes_from_standard_input(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"x": 1}'))
    assert mobileops("event", "emit", "a.b", "-")[0] == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("x"))
    assert "MOP7004" in mobileops("event", "emit", "a.b", "-")[2]


def test_events_are_printed_as_they_come(mobileops: Run, manager: DaemonThread) -> None:
    thread = emit_soon(manager, ("job.done", {"text": "\x9b2J", "raw": b"\xff"}), ("other", {}), ("job.late", {}))
    code, out, err = mobileops("event", "watch", "job.*", "--count", "2")
    thread.join()
    first, second = out.splitlines()
    assert (code, "job.*" in err) == (0, True)
    assert "job.done from plugin:echo: " in first
    assert "\x9b" not in out
    assert second.endswith("job.late from plugin:echo: {}")


def test_programs_get_a_line_of_json_for_each(mobileops: Run, manager: DaemonThread) -> None:
    thread = emit_soon(manager, ("job.done", {"id": 1}))
    code, out, err = mobileops("event", "watch", "--count", "1", "--json")
    thread.join()
    assert (code, err) == (0, "")
    found = as_published("event-watch", out)
    assert isinstance(found, dict)
    assert (found["topic"], found["event"], found["lost"]) == ("job.done", {"id": 1}, 0)


def test_what_was_lost_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from types import SimpleNamespace  # noqa: PLC0415

    from mobileops.cli.console import Console  # noqa: PLC0415

    event = {"time": "t", "topic": "a", "from": "platform", "event": {}, "lost": 3}
    options: Any = SimpleNamespace(json=False)
    verb._show(event, options, Console.of_process())
    assert "3 events were lost here" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--count", "1"), 1)])
def test_a_watch_ends_with_the_plugin_manager(
    mobileops: Run, manager: DaemonThread, words: tuple[str, ...], code: int
) -> None:
    def stop() -> None:
        while not manager.daemon_object._supervisor.events._onlookers:
            pass
        manager.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    got, out, err = mobileops("event", "watch", *words)
    thread.join()
    assert (got, out) == (code, "")
    assert "the plugin manager has stopped" in err


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("emit",), 2, "MOP7003"),
        (("emit", "a", "--count", "1"), 2, "MOP7003"),
        (("emit", "a.*"), 2, "MOP5323"),
        (("emit", "Not a topic"), 2, "MOP5323"),
        (("emit", ""), 2, "MOP5323"),
        (("emit", "a", "{"), 2, "MOP7004"),
        (("emit", "a", "[1]"), 2, "MOP7004"),
        (("emit", "a", "[" * 100_000), 2, "MOP7004"),
        (("emit", "a", '{"x": 99999999999999999999999}'), 2, "MOP7004"),
        (("watch", "a..b"), 2, "MOP5323"),
        (("watch", "a", "{}"), 2, "MOP7003"),
        (("watch", "--count", "0"), 2, "MOP7003"),
        (("emti", "a"), 2, "did you mean 'emit'?"),
    ],
)
@pytest.mark.usefixtures("manager")
def test_a_mistake_is_named(mobileops: Run, words: tuple[str, ...], exit_code: int, code: str) -> None:
    got, out, err = mobileops("event", *words)
    assert (got, out) == (exit_code, "")
    assert code in err
