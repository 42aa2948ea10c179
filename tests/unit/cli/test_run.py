"""`mobileops run`, with a plugin manager in this process and no sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import run as verb
from mobileops.cli.main import main
from mobileops.runtime.home import Home
from mobileops.runtime.manager import client as clients
from tests.fakes.daemon_thread import serving
from tests.fakes.plugin_folder import ECHO, write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.cli.conftest import Run

BROKEN = """
    from mobileops.plugin import ServicePlugin

    class Echo(ServicePlugin):
        def initialize(self):
            raise RuntimeError("broken")
"""


class Steps:
    """In the place of what watches the source: runs one step at each look, then interrupts, as Ctrl-C does."""

    is_there = True
    steps: list[Callable[[], Any]]

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        tell(f"looking at {folder.name}")
        self.left = list(self.steps)

    def wait(self, _timeout_s: float) -> list[str]:
        if not self.left:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        self.left.pop(0)()
        return ["main.py"]


@pytest.fixture(autouse=True)
def unconfined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr(clients, "STOP_TIMEOUT_S", 0.0)
    monkeypatch.setattr(verb, "SourceWatch", Steps)
    with ExitStack() as stack:

        def started(home, *, program, stdin):
            stack.enter_context(serving(home, monkeypatch))
            return clients.connect(home)

        monkeypatch.setattr(clients, "connect_or_start", started)
        yield


def test_dev_shows_logs_findings_and_errors_and_ends_with_the_signal(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_plugin(tmp_path / "echo")
    steps = [lambda: write_plugin(source, BROKEN), lambda: write_plugin(source, type="servic"), lambda: None]
    monkeypatch.setattr(Steps, "steps", steps, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    code, out, err = mobileops("run", "--dev", "echo")
    assert code == 130
    assert "running: ready" in out
    assert "broken" in out
    assert "error: 'echo' was not reloaded" in err
    assert "echo/plugin.json:7:11: error: Plugin types are" in err
    assert err.endswith("echo is stopped, and nothing of this run is left\ninterrupted\n")
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_dev_waits_for_a_change_when_the_first_version_does_not_start(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_plugin(tmp_path / "echo", BROKEN)
    monkeypatch.chdir(source)
    monkeypatch.setattr(Steps, "steps", [lambda: write_plugin(source)], raising=False)
    code, _out, err = mobileops("run", "--dev")
    assert code == 130
    assert err.index("[MOP5106]") < err.index("watching") < err.index("echo 1.0.0 is running")


def test_once_ends_with_what_it_could_not_do(mobileops: Run, tmp_path: Path) -> None:
    source = write_plugin(tmp_path / "echo", type="servic")
    assert mobileops("run", "echo")[0] == 1
    write_plugin(source, BROKEN)
    code, _out, err = mobileops("run", "echo")
    assert (code, "[MOP5106]" in err) == (1, True)


@pytest.mark.parametrize(("why", "code"), [(None, 0), ("it crashed", 1)])
def test_once_ends_when_the_plugin_does(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str | None, code: int
) -> None:
    write_plugin(tmp_path / "echo")
    monkeypatch.setattr(verb.Session, "wait_until_it_ends", lambda _self: why)
    found = mobileops("run", "echo")
    assert (found[0], "[MOP2701]" in found[2]) == (code, code == 1)


@pytest.mark.parametrize("wanted", ["", "1"])
def test_it_is_in_debug_mode_only_if_the_author_says_so(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    write_plugin(tmp_path / "echo")
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", wanted)
    monkeypatch.setattr(verb.Session, "wait_until_it_ends", lambda _self: None)
    code, out, _err = mobileops("run", "echo")
    assert (code, "debug mode" in out) == (0, wanted == "1")


def test_settings_are_those_of_the_command_line(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ECHO.replace("return value", "return self.config['greeting']")
    write_plugin(tmp_path / "echo", code, configuration={"greeting": "hello"})
    said = []

    def call(session: verb.Session) -> None:
        said.append(session._bench.ask("call", name="echo", method="echo"))

    monkeypatch.setattr(verb.Session, "wait_until_it_ends", call)
    assert main(["run", "echo", "--set", "greeting=ahoy"]) == 0
    assert said == ["ahoy"]
    code, _out, err = mobileops("run", "echo", "--set", "greting=ahoy")
    assert (code, "greeting" in err) == (1, True)


def test_the_end_of_the_plugin_manager_is_the_end_of_the_command(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_plugin(tmp_path / "echo")
    session = verb.Session

    class Dying(session):
        def attempt(self) -> bool:
            done = super().attempt()
            self._bench.stop()
            return done

    monkeypatch.setattr(verb, "Session", Dying)
    monkeypatch.setattr(Steps, "steps", [lambda: source], raising=False)
    code, _out, err = mobileops("run", "--dev", "echo")
    assert (code, "[MOP2703]" in err) == (4, True)


def test_what_ignores_the_end_of_its_terminal_goes_on_doing_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "ENDING", (signal.SIGHUP,))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with verb._endable():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_plugin_manager_ends_with_whoever_holds_its_input(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mobileops.cli.main", "daemon", "--home", str(tmp_path / "home"), "--while-stdin"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0) as process:
        assert process.stderr is not None
        assert process.stdin is not None
        assert process.stderr.readline().startswith("serving")
        process.stdin.write("what is written is nothing")
        client = clients.connect(Home(tmp_path / "home"))
        assert client is not None
        client.ask("ping")
        client.close()
        process.stdin.close()
        assert process.wait(60) == 0
