"""``mobileops config``: typed settings, secrets apart, and running plugins that take them over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime import logs
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import connect
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import serving
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Run

CODE = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class Configured(ServicePlugin):
        def initialize(self):
            if self.config["host"] == "broken":
                raise RuntimeError("no such host, with " + str(self.config.get("token")))

        def reload_config(self):
            if self.load_config()["port"] == 13:
                raise RuntimeError("unlucky")
            return super().reload_config()

        @plugin_method
        def get(self):
            return self.config

        @plugin_method
        def tell(self):
            self.log("INFO", "my token is " + self.config["token"], token=self.config["token"])
            raise ValueError("wrong token " + self.config["token"])
"""
SETTINGS = {
    "configuration": {"host": "here", "port": 1},
    "configuration_schema": {
        "host": {"type": "string", "pattern": "^[a-z]+$", "apply": "reload"},
        "port": {"type": "integer", "maximum": 99, "apply": "live", "description": "where"},
        "mode": {"type": "string", "default": "slow", "apply": "restart"},
        "token": {"type": "string", "secret": True, "apply": "live"},
    },
}


@pytest.fixture
def home(tmp_path: Path, mobileops: Run) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(code=CODE, **SETTINGS), verify=publisher.decision())
    return home


@contextmanager
def started(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start the plugin with a token; give what asks the plugin manager."""
    SettingsFiles(home).save("echo", Stored({}, {"token": "planted-1"}))
    with serving(home, monkeypatch):
        client = connect(home)
        assert client is not None
        client.ask("start", name="echo")
        yield client.ask
        client.close()


def call(ask: Any) -> Any:
    return ask("call", name="echo", method="get")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[bytes], None]]:
    """Give what puts something into standard input."""
    with ExitStack() as streams:

        def put(text: bytes) -> None:
            (tmp_path / "in").write_bytes(text)
            monkeypatch.setattr(sys, "stdin", streams.enter_context((tmp_path / "in").open()))

        yield put


def test_settings_are_shown_with_where_they_come_from(mobileops: Run, home: Home) -> None:
    code, out, err = mobileops("config", "echo")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["host", "here", "manifest"],
        ["mode", "slow", "schema"],
        ["port", "1", "manifest"],
        ["token", "-", "missing"],
    ]
    assert "token must be set" in err
    assert as_published("config", mobileops("config", "echo", "--json")[1])


def test_a_change_is_stored_checked_and_undone(mobileops: Run, home: Home) -> None:
    assert mobileops("config", "echo", "--set", "port=7", "--set", "mode=a=b")[0] == 0
    assert SettingsFiles(home).load("echo").values == {"port": 7, "mode": "a=b"}
    assert mobileops("config", "echo", "--unset", "mode")[0] == 0
    assert SettingsFiles(home).load("echo").values == {"port": 7}
    code, out, _ = mobileops("config", "echo", "--reset", "--json")
    assert as_published("config-change", out) == {
        "name": "echo",
        "version": "1.0.0",
        "changed": ["port"],
        "applied": None,
    }
    assert code == 0
    assert "nothing was changed" in mobileops("config", "echo", "--reset")[2]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--set", "prot=1"], 1, "did you mean 'port'?"),
        (["--set", "port=many"], 1, "a whole number is needed"),
        (["--set", "port=7", "--set", "host=UP"], 1, "the pattern ^[a-z]+$"),
        (["--set", "port"], 2, "--set port=VALUE"),
        (["--set", "token=planted"], 2, "--secret token"),
        (["--set", "port=7", "--unset", "port"], 2, "both set and unset"),
        (["--reset", "--set", "port=7"], 2, "stand alone"),
        (["--secret", "port"], 2, "is no secret"),
        (["--secret", "token", "--secret", "token"], 2, "standard input holds one secret"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    mobileops: Run, home: Home, words: list[str], code: int, said: str, piped: Callable[[bytes], None]
) -> None:
    piped(b"x")
    result = mobileops("config", "echo", *words)
    assert result[0] == code
    assert said in result[2]
    assert "planted" not in result[1] + result[2]
    assert SettingsFiles(home).load("echo") == Stored({}, {})


def test_a_secret_comes_from_standard_input_and_is_shown_nowhere(
    mobileops: Run, home: Home, piped: Callable[[bytes], None]
) -> None:
    piped(b"planted-2\n")
    code, out, err = mobileops("config", "echo", "--secret", "token")
    assert (code, SettingsFiles(home).load("echo")) == (0, Stored({}, {"token": "planted-2"}))
    shown = out + err + mobileops("config", "echo")[1]
    assert "(hidden)" in shown
    assert "planted" not in shown + mobileops("config", "echo", "--json")[1]


@pytest.mark.parametrize("given", [b"", b"\xff"])
def test_a_secret_that_is_none_is_refused(
    mobileops: Run, home: Home, piped: Callable[[bytes], None], given: bytes
) -> None:
    piped(given)
    assert mobileops("config", "echo", "--secret", "token")[0] == 2


def test_live_settings_reach_the_process_that_runs(mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(home, monkeypatch) as ask:
        (before,) = ask("status", names=["echo"])
        assert "taken that over" in mobileops("config", "echo", "--set", "port=7")[1]
        (after,) = ask("status", names=["echo"])
        assert call(ask)["port"] == 7
        assert before["pid"] == after["pid"]


@pytest.mark.parametrize(("word", "applied"), [("host=there", "reload"), ("mode=fast", "restart")])
def test_other_settings_bring_a_new_process(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, word: str, applied: str
) -> None:
    name, _, value = word.partition("=")
    with started(home, monkeypatch) as ask:
        (before,) = ask("status", names=["echo"])
        out = mobileops("config", "echo", "--set", word, "--json")[1]
        assert as_published("config-change", out)["applied"] == applied
        (after,) = ask("status", names=["echo"])
        assert call(ask)[name] == value
        assert before["pid"] != after["pid"]


def test_a_running_plugin_is_left_alone_when_asked_to(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(home, monkeypatch) as ask:
        assert "when it is started" in mobileops("config", "echo", "--set", "port=7", "--no-apply")[1]
        assert call(ask)["port"] == 1


@pytest.mark.parametrize(
    "words", [["--set", "port=13"], ["--set", "host=broken"], ["--set", "mode=x", "--set", "host=broken"]]
)
def test_what_a_plugin_does_not_take_over_is_put_back(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    with started(home, monkeypatch) as ask:
        code, _out, err = mobileops("config", "echo", *words)
        assert (code, "MOP5411" in err) == (1, True)
        assert "planted" not in err
        assert SettingsFiles(home).load("echo").values == {}
        assert call(ask) == {"host": "here", "port": 1, "mode": "slow", "token": "planted-1"}


def test_a_required_setting_is_not_taken_from_a_running_plugin(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(home, monkeypatch) as ask:
        (before,) = ask("status", names=["echo"])
        assert mobileops("config", "echo", "--reset")[0] == 1
        (after,) = ask("status", names=["echo"])
        assert before["pid"] == after["pid"]


def test_a_secret_is_in_no_log_status_or_error(mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(home, monkeypatch):
        said = "".join(mobileops("call", "echo", "tell")[1:])
        assert "wrong token [secret]" in said
        said += mobileops("status", "echo", "--detailed")[1] + mobileops("logs", "echo")[1]
        assert "my token is [secret] token=[secret]" in said
    assert "planted" not in said
    assert "planted" not in (home.logs / "echo.jsonl").read_text()


def test_a_secret_before_the_last_change_stays_hidden(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, piped: Callable[[bytes], None]
) -> None:
    with started(home, monkeypatch) as ask:
        piped(b"planted-2")
        mobileops("config", "echo", "--secret", "token")
        assert call(ask)["token"] == "planted-2"
        mobileops("call", "echo", "tell")
    assert "planted" not in "".join(record.message for record in logs.read(home, plugin="echo"))


def test_a_reload_in_place_takes_over_what_was_set(mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(home, monkeypatch) as ask:
        mobileops("config", "echo", "--set", "port=7", "--no-apply")
        assert mobileops("reload", "echo", "--in-place")[0] == 0
        assert call(ask)["port"] == 7


def test_uninstalling_keeps_settings_unless_everything_goes(mobileops: Run, home: Home) -> None:
    SettingsFiles(home).save("echo", Stored({"port": 2}, {"token": "planted"}))
    assert mobileops("uninstall", "echo")[0] == 0
    assert SettingsFiles(home).load("echo").values == {"port": 2}
    publisher = Publisher(home, home.root.parent)
    Store(home).install(publisher.publish(code=CODE, **SETTINGS), verify=publisher.decision())
    assert mobileops("uninstall", "echo", "--purge")[0] == 0
    assert SettingsFiles(home).load("echo") == Stored({}, {})


def edit(monkeypatch: pytest.MonkeyPatch, path: Path, code: str) -> None:
    """Have a small program edit what it is given."""
    path.write_text(
        f"import sys, pathlib, os, signal\nfile = pathlib.Path(sys.argv[1])\ntext = file.read_text()\n{code}\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {path}")


def test_an_edit_changes_what_differs_and_leaves_the_rest(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    SettingsFiles(home).save("echo", Stored({"mode": "fast"}, {"token": "planted"}))
    edit(monkeypatch, tmp_path / "e.py", "assert 'planted' not in text; file.write_text(text.replace(': 1', ': 2'))")
    assert mobileops("config", "echo", "--edit")[0] == 0
    assert SettingsFiles(home).load("echo") == Stored({"mode": "fast", "port": 2}, {"token": "planted"})
    edit(monkeypatch, tmp_path / "e.py", "file.write_text('{}')")
    assert mobileops("config", "echo", "--edit")[0] == 0
    assert SettingsFiles(home).load("echo") == Stored({}, {"token": "planted"})


def test_an_edit_does_not_undo_what_another_changed_meanwhile(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "mobileops.cli.main", "config", "echo", "--set", "mode=other"]
    meanwhile = f"import subprocess; subprocess.run({words!r}, check=True)"
    edit(monkeypatch, tmp_path / "e.py", f"{meanwhile}; file.write_text(text.replace(': 1', ': 2'))")
    assert mobileops("config", "echo", "--edit")[0] == 0
    assert SettingsFiles(home).load("echo").values == {"mode": "other", "port": 2}


@pytest.mark.parametrize(
    ("code", "exit_code", "said"),
    [
        ("sys.exit(3)", 4, "status 3"),
        ("file.write_text('{')", 1, "MOP5408"),
        ("file.write_text('[]')", 1, "no JSON object"),
        ("""file.write_text('{"token": "planted"}')""", 1, "is a secret"),
        ("""file.write_text('{"prot": 2}')""", 1, "did you mean 'port'?"),
        ("""file.write_text('{"port": 200}')""", 1, "99 or less"),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, "interrupted"),
    ],
)
def test_an_edit_that_goes_wrong_changes_nothing(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, exit_code: int, said: str
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    edit(monkeypatch, tmp_path / "e.py", f"signal.signal(signal.SIGINT, signal.SIG_DFL); {code}")
    result = mobileops("config", "echo", "--edit")
    assert (result[0], said in result[2]) == (exit_code, True)
    assert SettingsFiles(home).load("echo") == Stored({}, {})


def test_without_a_terminal_an_editor_must_be_named(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    code, _out, err = mobileops("config", "echo", "--edit")
    assert (code, "no terminal" in err) == (4, True)
    monkeypatch.setenv("VISUAL", "/nonexistent/editor")
    code, _out, err = mobileops("config", "echo", "--edit")
    assert (code, "cannot be started" in err) == (4, True)


class Terminal:
    """Standard input that is a terminal, with lines typed ahead."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def isatty(self) -> bool:
        return True

    def readline(self, _limit: int = -1) -> str:
        return self.lines.pop(0) if self.lines else ""


@pytest.mark.parametrize(("typed", "exit_code", "port"), [(("\n",), 0, 2), (("n\n",), 1, None), ((), 1, None)])
def test_on_a_terminal_a_mistake_can_be_edited_again(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: Any, exit_code: int, port: Any
) -> None:
    again = "'{\"port\": 2}' if text.endswith('wrong') else '{wrong'"
    edit(monkeypatch, tmp_path / "e.py", f"file.write_text({again})")
    monkeypatch.setattr(sys, "stdin", Terminal(*typed))
    assert mobileops("config", "echo", "--edit")[0] == exit_code
    assert SettingsFiles(home).load("echo").values.get("port") == port


def test_on_a_terminal_there_is_always_an_editor(
    mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    (tmp_path / "vi").write_text("#!/bin/sh\necho '{}' > \"$1\"\n")
    (tmp_path / "vi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert mobileops("config", "echo", "--edit")[0] == 0


def test_a_pattern_that_takes_for_ever_is_given_up(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    slow = {"host": {"type": "string", "pattern": "^(a+)+$", "default": "a"}}
    Store(home).install(publisher.publish(configuration_schema=slow), verify=publisher.decision())
    monkeypatch.setattr("mobileops.cli.commands._config_apply.PATIENCE_S", 0.2)
    code, _out, err = mobileops("config", "echo", "--set", f"host={'a' * 50}b")
    assert (code, "MOP5406" in err) == (1, True)
    assert SettingsFiles(home).load("echo").values == {}


def test_two_commands_at_the_same_time_both_take_effect(mobileops: Run, home: Home) -> None:
    words = [sys.executable, "-m", "mobileops.cli.main", "config", "echo", "--set"]
    both = [subprocess.Popen([*words, word]) for word in ("port=5", "mode=fast")]
    assert [one.wait() for one in both] == [0, 0]
    assert json.loads((home.settings / "echo.json").read_text())["settings"] == {"port": 5, "mode": "fast"}
