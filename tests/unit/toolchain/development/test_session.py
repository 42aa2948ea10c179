"""`Session`: what a change of the source does to what runs."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import MobileOpsError
from mobileops.runtime.receipts import Receipts
from mobileops.toolchain.development import workbench
from mobileops.toolchain.development.session import Session
from mobileops.toolchain.development.workbench import BenchGone
from tests.fakes.plugin_folder import ECHO, write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mobileops.toolchain.diagnostics import Diagnostic

CRASHING = """
    from mobileops.plugin import ServicePlugin

    class Echo(ServicePlugin):
        def initialize(self):
            raise RuntimeError("broken")
"""


class Heard:
    """A reporter that keeps everything."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.found: list[Sequence[Diagnostic]] = []
        self.errors: list[MobileOpsError] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def findings(self, found: Sequence[Diagnostic]) -> None:
        self.found.append(found)

    def error(self, error: MobileOpsError) -> None:
        self.errors.append(error)


class Bench:
    """A plugin's source in a session."""

    def __init__(self, source: Path, bench: workbench.Workbench) -> None:
        self.source, self.bench, self.heard = source, bench, Heard()
        self.session = Session(source, bench, reporter=self.heard, configure=lambda _home, _receipt: None)

    def write(self, code: str = ECHO, **manifest: Any) -> None:
        write_plugin(self.source, code, **manifest)

    def say(self, name: str = "echo") -> Any:
        return self.bench.ask("call", name=name, method="echo", args=["hello"])

    def state(self, name: str = "echo") -> dict[str, Any]:
        (found,) = self.bench.ask("status", names=[name])
        return dict(found)

    def follow(self, *steps: Any) -> None:
        """Run the loop over some steps: each changes the source, and what changed is told to the loop."""

        class Steps:
            is_there = True

            def __init__(self) -> None:
                self.left = list(steps)

            def wait(self, _timeout_s: float) -> list[str] | None:
                if not self.left:
                    raise KeyboardInterrupt
                step = self.left.pop(0)
                return step() if step else None

        self.watch = Steps()
        with pytest.raises(KeyboardInterrupt):
            self.session.follow(self.watch)  # type: ignore[arg-type]


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Bench]:
    with workbench.opened() as bench:
        yield Bench(write_plugin(tmp_path / "echo"), bench)


def test_a_change_is_built_and_takes_over(echo: Bench) -> None:
    assert echo.session.attempt()
    first = echo.state()["pid"]
    assert echo.say() == "hello"
    echo.write(ECHO.replace("return value", "return [value]"), version="1.1.0", permissions=["api.platform"])
    assert echo.session.attempt()
    assert (echo.say(), echo.state()["version"], echo.state()["pid"] != first) == (["hello"], "1.1.0", True)
    assert [note.partition(" (pid")[0] for note in echo.heard.notes] == [
        "echo 1.0.0 is running",
        "permissions: none",
        "echo 1.1.0 has taken over",
        "permissions: api.platform",
    ]


def test_what_is_not_valid_is_shown_with_its_place_and_the_old_one_runs_on(echo: Bench) -> None:
    echo.session.attempt()
    pid = echo.state()["pid"]
    text = (echo.source / "plugin.json").read_text()
    (echo.source / "plugin.json").write_text(text.replace('"service"', '"servic"'))
    assert not echo.session.attempt()
    assert [one.place() for one in echo.heard.found[-1] if one.is_error] == ["plugin.json:7:11"]
    assert echo.heard.notes[-1] == "echo: 1 error; echo 1.0.0 goes on running as it was"
    (echo.source / "main.py").unlink()
    assert not echo.session.attempt()
    assert "2 errors" in echo.heard.notes[-1]
    assert (echo.state()["pid"], echo.say()) == (pid, "hello")


def test_the_same_warnings_are_shown_once(echo: Bench) -> None:
    echo.write(files={"assets/.keep": ""}, name="other-name")
    for number in range(3):
        (echo.source / "more.py").write_text(f"VALUE = {number}\n")
        echo.session.attempt()
    assert len(echo.heard.found) == 1
    assert not any(one.is_error for one in echo.heard.found[0])


def test_a_source_that_gives_the_same_bundle_leaves_the_process_alone(echo: Bench) -> None:
    echo.session.attempt()
    pid = echo.state()["pid"]
    (echo.source / ".pluginignore").write_text("nothing\n")
    assert echo.session.attempt()
    assert echo.heard.notes[-1] == "nothing that is part of the bundle has changed"
    assert echo.state()["pid"] == pid


def test_a_new_version_that_does_not_start_is_not_installed_either(echo: Bench) -> None:
    echo.session.attempt()
    pid, sha256 = echo.state()["pid"], Receipts(echo.bench.home).get("echo").sha256
    echo.write(CRASHING, version="2.0.0")
    with pytest.raises(MobileOpsError, match="MOP5108"):
        echo.session.attempt()
    assert (echo.state()["pid"], echo.say()) == (pid, "hello")
    assert Receipts(echo.bench.home).get("echo").sha256 == sha256  # a crash would not start the broken one
    echo.write(version="2.0.1")
    echo.session.attempt()
    assert echo.state()["version"] == "2.0.1"


def test_a_plugin_that_crashes_at_its_first_start_runs_once_it_is_mended(echo: Bench) -> None:
    echo.write(CRASHING)
    with pytest.raises(MobileOpsError, match="MOP5106"):
        echo.session.attempt()
    echo.write()
    assert echo.session.attempt()
    assert echo.say() == "hello"


def test_a_plugin_that_listens_is_restarted_and_the_old_one_is_started_again(echo: Bench) -> None:
    echo.write(permissions=["network.listen:8137"])
    echo.session.attempt()
    echo.write(version="1.1.0", permissions=["network.listen:8137"])
    echo.session.attempt()
    assert (echo.state()["version"], echo.heard.errors) == ("1.1.0", [])
    echo.write(CRASHING, version="1.2.0", permissions=["network.listen:8137"])
    with pytest.raises(MobileOpsError, match="MOP5106"):
        echo.session.attempt()
    assert (echo.state()["version"], echo.state()["state"], echo.say()) == ("1.1.0", "running", "hello")


def test_a_plugin_may_be_renamed_and_its_old_name_runs_on_if_the_new_one_does_not_start(echo: Bench) -> None:
    echo.session.attempt()
    echo.write(CRASHING, name="parrot")
    with pytest.raises(MobileOpsError, match="MOP5106"):
        echo.session.attempt()
    assert echo.say() == "hello"
    echo.write(name="parrot")
    echo.session.attempt()
    assert (echo.say("parrot"), echo.state()["state"]) == ("hello", "stopped")


def test_the_loop_attempts_at_each_change_and_shows_what_goes_wrong(echo: Bench) -> None:
    echo.session.attempt()

    def crash() -> list[str]:
        echo.write(CRASHING)
        return ["a.py", "b.py", "c.py", "main.py", "z.py"]

    def gone() -> list[str]:
        shutil.rmtree(echo.source)
        echo.watch.is_there = False
        return []

    def back() -> list[str]:
        echo.write()
        echo.watch.is_there = True
        return []

    echo.follow(None, crash, gone, back)
    assert [error.code for error in echo.heard.errors] == ["MOP5108"]
    assert echo.heard.notes[2:] == [
        "changed: a.py, b.py, c.py and 2 more",
        "echo 1.0.0 goes on running as it was",
        f"{echo.source} is gone; echo 1.0.0 goes on running as it was, and a new one is waited for",
        f"{echo.source} is there again",
        "nothing that is part of the bundle has changed",
    ]


def test_nothing_runs_on_after_a_first_version_that_is_not_valid(echo: Bench) -> None:
    (echo.source / "plugin.json").write_text("{")
    assert not echo.session.attempt()
    assert echo.heard.notes == ["echo: 1 error; nothing is running"]
    assert echo.session.wait_until_it_ends() is None


def test_a_run_that_ends_says_why(echo: Bench) -> None:
    echo.session.attempt()
    echo.bench.ask("stop", name="echo", force=True)
    assert echo.session.wait_until_it_ends() is None


def test_a_run_that_crashes_is_not_mistaken_for_the_one_that_follows_it(echo: Bench) -> None:
    echo.session.attempt()
    echo.bench.ask("restart", name="echo")
    assert echo.session.wait_until_it_ends() == "it crashed, and was started again"


def test_the_loop_ends_with_its_plugin_manager(echo: Bench) -> None:
    echo.session.attempt()
    with ExitStack() as stack:
        stack.callback(echo.bench.stop)
    for act in (lambda: echo.bench.ask("ping"), lambda: echo.session.follow(NoChange()), echo.session.attempt):  # type: ignore[arg-type]
        with pytest.raises(BenchGone, match="MOP2703"):
            act()


def test_the_loop_does_not_take_the_end_of_its_plugin_manager_for_an_error_of_the_plugin(
    echo: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo.session.attempt()
    echo.write(version="1.1.0")
    ask = echo.bench.ask

    def dying(verb: str, **body: Any) -> Any:
        if verb == "reload":
            echo.bench.stop()
        return ask(verb, **body)

    monkeypatch.setattr(echo.bench, "ask", dying)

    class Once(NoChange):
        def wait(self, _timeout_s: float) -> list[str] | None:
            return ["main.py"]

    with pytest.raises(BenchGone):
        echo.session.follow(Once())  # type: ignore[arg-type]
    assert echo.heard.errors == []


class NoChange:
    is_there = True

    def wait(self, _timeout_s: float) -> list[str] | None:
        return None


def test_the_manifest_that_is_installed_is_the_one_of_the_source(echo: Bench) -> None:
    echo.session.attempt()
    installed = Receipts(echo.bench.home)
    receipt = installed.get("echo")
    stored = json.loads((installed.folder(receipt) / "plugin.json").read_text())
    assert stored["name"] == "echo"
    assert receipt.signer["assurance"] == "key"
