"""``mobileops monitor`` and ``mobileops metrics``."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from mobileops.cli.commands import monitor
from mobileops.cli.commands._monitor_table import table
from mobileops.cli.console import Console
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect
from mobileops.runtime.metrics.rates import absent
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
    Store(home).install(publisher.publish(), verify=publisher.decision())
    return home


def look(*names: str, **changed: Any) -> dict[str, Any]:
    row = absent("x", "1.0.0-rc.1+build.5", state="quarantined")
    row |= {"cpu_percent": 100.0, "memory_bytes": 1023 << 20, "memory_limit_bytes": 256 << 20, "open_files": 1024}
    row |= {"restarts": 12, "calls_per_s": 12345.6, "p50_s": 0.0009, "p99_s": 12.5, "denials": 9999, "processes": 3}
    rows = [{**row, "name": name, **changed} for name in names]
    return {"time": "2026-11-22T20:31:32.734Z", "running": True, "plugins": rows}


@pytest.mark.parametrize("columns", [80, 200])
def test_a_line_fits_into_the_terminal_and_keeps_its_columns(columns: int) -> None:
    lines = table(
        look("short", "a-plugin-with-a-very-long-name-of-more-than-sixty-four-characters-for-sure"), columns=columns
    )
    assert max(map(len, lines)) <= columns
    assert len({len(line) for line in lines[:-1]}) == 1
    assert ("LIMIT" in lines[0]) == (columns == 200)
    assert lines[1].split()[0] == "short"
    assert all(word in lines[1] for word in ("quarantined", "100.0", "1023.0M", "12346", "900us", "12.5s", "9999"))


def test_rows_are_sorted_as_asked() -> None:
    one = look("a", "b")
    one["plugins"][1]["cpu_percent"] = 200.0
    assert [line.split()[0] for line in table(one)[1:3]] == ["a", "b"]
    assert [line.split()[0] for line in table(one, sort="cpu")[1:3]] == ["b", "a"]


def test_what_is_not_known_is_a_dash() -> None:
    (_, line, _) = table({**look(), "plugins": [absent("x", "1.0.0")]})
    assert line.split()[3:6] == ["-", "-", "-"]


def test_the_last_line_adds_up() -> None:
    assert "0 of 2 run: 200.0 % cpu, 2.0G, 24691.2 calls/s" in table(look("a", "b"))[-1]
    assert "nothing is installed" in table(look())[-1]


def test_sizes_and_durations_have_units_that_fit() -> None:
    lines = table(look("x", memory_bytes=500, memory_limit_bytes=5 << 30, p50_s=0.0125, p99_s=None))
    assert {"500B", "5.0G", "12.5ms", "-"} <= set(lines[1].split())


def test_plugins_that_run_are_measured(mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, monkeypatch):
        client = connect(home)
        assert client is not None
        client.ask("start", name="echo")
        client.close()
        code, out, _ = mobileops("monitor", "--once", "--json", "--interval", "0.1")
        assert code == 0
        found = as_published("monitor", out)
        assert isinstance(found, dict)
        assert found["plugins"][0]["state"] == "running"
        assert found["plugins"][0]["memory_bytes"] > 0
        assert mobileops("monitor", "echo", "--once", "--interval", "0.1")[1].splitlines()[1].startswith("echo")
        text = mobileops("metrics")[1]
        assert {one.name for one in text_string_to_metric_families(text)} > {"mobileops_plugin_cpu_seconds"}
        assert "metrics.sock" in mobileops("metrics", "--listen", "unix")[1]
        assert (home.run / "metrics.sock").is_socket()
        assert "no more" in mobileops("metrics", "--listen", "off")[1]


def test_without_a_plugin_manager_nothing_is_started_to_look(mobileops: Run, home: Home) -> None:
    code, out, _ = mobileops("monitor", "--once", "--interval", "0.1", "--json")
    found = as_published("monitor", out)
    assert isinstance(found, dict)
    assert (code, found["running"], found["plugins"][0]["state"]) == (0, False, "stopped")
    assert "does not run" in mobileops("monitor", "--once", "--interval", "0.1")[1]
    assert "mobileops_manager_up 0" in mobileops("metrics")[1]
    assert connect(home) is None


def test_metrics_are_served_when_a_plugin_manager_comes(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "when the plugin manager runs" in mobileops("metrics", "--listen", "unix")[1]
    with serving(home, monkeypatch):
        client = connect(home)
        assert client is not None
        client.ask("ping")
        assert (home.run / "metrics.sock").is_socket()
        client.close()
    assert mobileops("metrics", "--listen", "off")[1] == "off\n"


def test_settings_that_are_broken_do_not_stop_plugins(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.metrics_settings.write_text("{")
    with serving(home, monkeypatch):
        client = connect(home)
        assert client is not None
        client.ask("start", name="echo")
        client.close()
    assert "MOP5502" in capsys.readouterr().err


def test_a_full_disk_is_told(mobileops: Run, home: Home) -> None:
    home.metrics_settings.mkdir()
    code, _out, err = mobileops("metrics", "--listen", "unix")
    assert (code, "MOP5502" in err) == (4, True)


@pytest.mark.parametrize(
    "words", [["--interval", "0"], ["--interval", "x"], ["--sort", "size"], ["nonesuch", "--once"]]
)
def test_mistakes_are_told(mobileops: Run, home: Home, words: list[str]) -> None:
    assert mobileops("monitor", *words)[0] in {1, 2}


def test_without_a_terminal_there_are_no_cursor_codes_and_ctrl_c_ends_it(home: Home) -> None:
    words = [sys.executable, "-u", "-m", "mobileops.cli.main", "monitor", "--interval", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={"MOBILEOPS_HOME": str(home.root)}) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(2)
        assert process.wait() == 130
    assert not any(b"\x1b" in line for line in lines)
    assert [line.split()[0] for line in lines[:2]] == [b"PLUGIN", b"echo"]


class Terminal:
    """Standard output that is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        pass


def test_a_terminal_is_drawn_over_and_never_scrolled(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    one = Console(sys.stdin, terminal, sys.stderr, {})  # type: ignore[arg-type]
    monitor._draw(one, [f"line {n}" for n in range(30)], rows=10)
    assert terminal.text.startswith("\x1b[Hline 0\x1b[K\n")
    assert terminal.text.endswith("\x1b[J")
    assert terminal.text.count("\n") == 9
    assert re.search("22 more; ", terminal.text)
