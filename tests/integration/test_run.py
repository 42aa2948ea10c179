"""`mobileops run`: an author's loop around the real sandbox, as root and as an ordinary user, without a terminal."""

from __future__ import annotations

import dataclasses
import signal
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.plugin_folder import write_plugin
from tests.fakes.running_command import RunningCommand
from tests.integration.conftest import Account, processes_of, wait_until
from tests.integration.versions import under_load

if TYPE_CHECKING:
    from collections.abc import Iterator

WHICH = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Echo(ServicePlugin):
        def initialize(self):
            self.log("INFO", "here I am")

        @plugin_method
        def which(self):
            return "version 0"
"""


@dataclasses.dataclass(frozen=True)
class Inside(Account):
    """An account whose MOBILEOPS_HOME is that of a run."""

    place: Path

    @property
    def home(self) -> Path:
        return self.place


@dataclasses.dataclass
class Loop:
    """A running ``mobileops run``.

    Attributes:
        command: it.
        source: the plugin's folder.
        inside: the account, with the home of this run.
        place: where it makes its folder.
    """

    command: RunningCommand
    source: Path
    inside: Account
    place: Path

    def save(self, account: Account, name: str, text: str) -> None:
        """Write a file as many editors do: another one, renamed."""
        new = self.source / f".{name}.swp"
        new.write_text(text)
        account.give(new).rename(self.source / name)


@contextmanager
def running(account: Account, *options: str, code: str = WHICH) -> Iterator[Loop]:
    """Run the plugin echo from its source for the length of the block."""
    source = account.give(write_plugin(account.folder / "echo", code))
    place = account.folder / "tmp"
    place.mkdir(exist_ok=True)
    account.give(place)
    process = account.popen("run", *options, "echo", environment={"TMPDIR": str(place)})
    with RunningCommand(process) as command:
        home = Path(command.until("export MOBILEOPS_HOME=").partition("=")[2].strip())
        yield Loop(command, source, Inside(account.python, account.folder, account.identity, home), place)


def test_a_source_is_run_watched_replaced_under_load_and_nothing_is_left(account: Account) -> None:
    with running(account, "--dev") as loop:
        loop.command.until("echo 1.0.0 is running")
        loop.command.until("watching ")
        served = processes_of(loop.inside.home)
        with under_load(loop.inside) as calls:
            for number in range(1, 4):
                loop.save(account, "main.py", textwrap.dedent(WHICH).replace("version 0", f"version {number}"))
                loop.command.until("has taken over")
            loop.save(account, "plugin.json", '{"name": "echo", "type": "servic"}')
            assert "plugin.json:1:26: error" in loop.command.until("Plugin types are")
            loop.command.until("echo 1.0.0 goes on running as it was")
        assert calls["errors"] == []
        assert loop.inside.json("call", "echo", "which") == "version 3"
        loop.command.process.send_signal(signal.SIGINT)
        assert loop.command.end() == 130
    assert "nothing of this run is left" in loop.command.text
    assert "Traceback" not in loop.command.text
    assert "\x1b" not in loop.command.text
    assert list(loop.place.iterdir()) == []
    assert served
    assert processes_of(loop.inside.home) == []
    assert account.json("list", "--json") == []  # the account's own home knows nothing of it


def test_what_a_plugin_logs_is_shown_and_a_broken_first_version_is_waited_for(account: Account) -> None:
    with running(account, "--dev", code="raise RuntimeError('broken at import')\n") as loop:
        loop.command.until("[MOP")
        loop.command.until("watching ")
        loop.save(account, "main.py", textwrap.dedent(WHICH))
        loop.command.until("echo 1.0.0 is running")
        wait_until(lambda: "here I am" in loop.command.text)  # a log line, on the other stream
        loop.command.process.send_signal(signal.SIGTERM)
        assert loop.command.end() == 130
    assert list(loop.place.iterdir()) == []


def test_a_run_that_is_killed_takes_its_plugin_with_it(account: Account) -> None:
    with running(account, "--dev") as loop:
        loop.command.until("echo 1.0.0 is running")
        assert processes_of(loop.inside.home) != []
        loop.command.process.kill()
        loop.command.end()
        wait_until(lambda: processes_of(loop.inside.home) == [])


def test_without_dev_it_is_run_once(account: Account) -> None:
    with running(account) as loop:
        loop.command.until("echo 1.0.0 is running")
        loop.inside.ok("stop", "echo")
        assert loop.command.end() == 0
    assert list(loop.place.iterdir()) == []
