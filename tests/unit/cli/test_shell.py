"""``mobileops shell``, through `main`, with a plugin manager in a thread."""

from __future__ import annotations

import builtins
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import _line_editing
from mobileops.cli.commands import shell as verb
from mobileops.errors import PluginError
from mobileops.runtime import audit
from mobileops.runtime.home import Home
from mobileops.runtime.manager.client import Client, connect
from mobileops.runtime.routing import shells
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import DaemonThread, serving
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Run

SECRETS = {"configuration_schema": {"token": {"type": "string", "secret": True}}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(**SECRETS), verify=publisher.decision())
    SettingsFiles(home).save("echo", Stored({}, {"token": "hunter22hunter22"}))
    return home


@pytest.fixture
def manager(home: Home, mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonThread]:
    """A plugin manager that runs ``echo``."""
    with serving(home, monkeypatch) as thread:
        code, _out, err = mobileops("start", "echo")
        assert (code, err) == (0, "")
        yield thread


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        """Be one."""
        return True


def typing(monkeypatch: pytest.MonkeyPatch, *lines: Any) -> list[str]:
    """Have lines typed at the prompt; an exception is one of the keys for that. Return the prompts."""
    prompts: list[str] = []
    waiting = iter((*lines, EOFError()))

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        line = next(waiting)
        if isinstance(line, BaseException):
            raise line
        return line

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(verb, "prompter", lambda: ask)
    return prompts


def test_a_script_on_standard_input_prints_its_values_and_its_end_is_its_exit_code(
    mobileops: Run, manager: DaemonThread, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert mobileops("shell", "echo") == (0, "", "")
    monkeypatch.setattr(sys, "stdin", io.StringIO("plugin.version\n" + "print('\\x1b[2J\\t.')\n"))
    assert mobileops("shell", "echo") == (0, "'1.0.0'\n\\x1b[2J\t.\n", "")
    code, out, err = mobileops("shell", "echo", "-c", "1/0")
    assert (code, out, err.splitlines()[-1]) == (1, "", "ZeroDivisionError: division by zero")
    code, out, err = mobileops("shell", "echo", "-c", f"print('x' * {300 << 10})")
    assert (code, len(out), err) == (0, 256 << 10, "45057 more characters were dropped\n")
    assert mobileops("call", "echo", "echo", '"still here"')[0] == 0
    typed = [line["target"] for line in audit.read(home.audit, "echo") if line["operation"] == "shell"]
    assert (len(typed), typed[0], typed[1]) == (3, "plugin.version\nprint('\\x1b[2J\\t.')\n", "1/0")
    assert "the operator opened a shell" in mobileops("logs", "echo")[1]


def test_secrets_of_the_plugin_are_hidden_in_what_is_typed_and_shown(
    mobileops: Run, manager: DaemonThread, home: Home
) -> None:
    source = "plugin.config['token']; 'hunter22hunter22' == plugin.config['token']"
    assert mobileops("shell", "echo", "-c", source)[1] == "'[secret]'\nTrue\n"
    [line] = [line for line in audit.read(home.audit, "echo") if line["operation"] == "shell"]
    assert line["target"] == source.replace("hunter22hunter22", "[secret]")


def test_statements_may_take_several_lines_and_ctrl_c_forgets_them(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("for i in range(2):", "  print(i)", "", "x = (", KeyboardInterrupt(), "x", "'last'")
    prompts = typing(monkeypatch, *lines)
    code, out, err = mobileops("shell", "echo")
    assert (code, out) == (0, "0\n1\n'last'\n")
    assert prompts == [">>> ", "... ", "... ", ">>> ", "... ", ">>> ", ">>> ", ">>> "]
    assert "NameError: name 'x' is not defined" in err
    assert err.startswith("echo 1.0.0, pid ")


def test_leaving_by_name_leaves_the_plugin_running(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "exit()", AssertionError("not asked again"))
    assert mobileops("shell", "echo")[0] == 0
    assert '"running"' in mobileops("status", "echo", "--json")[1]


def test_ctrl_c_interrupts_the_statement(mobileops: Run, manager: DaemonThread) -> None:
    """The statement itself has the signal sent, so that it cannot come too early."""
    source = f"import os, signal\nos.kill({os.getpid()}, signal.SIGINT)\nwhile True: pass"
    code, _out, err = mobileops("shell", "echo", "-c", source)
    assert (code, err.splitlines()[-1]) == (1, "KeyboardInterrupt")


def test_ctrl_c_again_leaves_a_statement_that_does_not_end(mobileops: Run, manager: DaemonThread) -> None:
    again = f"os.kill({os.getpid()}, signal.SIGINT)"
    deaf = f"try:\n  {again}\n  while True: pass\nexcept KeyboardInterrupt:\n  {again}\n  while True: pass"
    source = f"import os, signal\n{deaf}"
    code, out, err = mobileops("shell", "echo", "-c", source)
    assert (code, out, err) == (130, "", "interrupted\n")


def test_ctrl_c_before_the_statement_is_sent_is_passed_on_after_it(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Client.post

    def interrupted(client: Client, number: int, request: str, **body: Any) -> None:
        if request == "shell-run":
            os.kill(os.getpid(), signal.SIGINT)
        plain(client, number, request, **body)

    monkeypatch.setattr(Client, "post", interrupted)
    code, _out, err = mobileops("shell", "echo", "-c", "while True: pass", "--timeout", "20")
    assert (code, err.splitlines()[-1]) == (1, "KeyboardInterrupt")


def test_a_statement_that_takes_too_long_is_interrupted(mobileops: Run, manager: DaemonThread) -> None:
    code, _out, err = mobileops("shell", "echo", "-c", "while True: pass", "--timeout", "0.05")
    assert (code, "MOP5014" in err) == (1, True)
    assert mobileops("shell", "echo", "-c", "1")[1] == "1\n"


def test_a_plugin_that_ends_takes_its_shell_along(mobileops: Run, manager: DaemonThread) -> None:
    code, _out, err = mobileops("shell", "echo", "-c", "import os; os._exit(3)")
    assert (code, "MOP5604" in err or "MOP5004" in err) == (1, True)


def test_an_open_shell_does_not_keep_a_plugin_from_ending(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "1", "2")
    plain = verb.ShellSession.run

    def run(session: Any, source: str, *, script: bool = False) -> Any:
        if source == "2":
            other = connect(manager.home)
            assert other is not None
            other.ask("stop", name="echo")
            other.close()
        return plain(session, source, script=script)

    monkeypatch.setattr(verb.ShellSession, "run", run)
    code, out, err = mobileops("shell", "echo")
    assert (code, out) == (1, "1\n")
    assert "[MOP5604]" in err


def test_no_shell_is_opened_where_none_can_be(mobileops: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("1"))
    assert "[MOP5105]" in mobileops("shell", "echo")[2]
    with serving(home, monkeypatch):
        assert "[MOP5105]" in mobileops("shell", "echo", "-c", "1")[2]
        mobileops("start", "echo")
        monkeypatch.setattr(shells, "MAX_SHELLS", 0)
        code, _out, err = mobileops("shell", "echo", "-c", "1")
        assert (code, "[MOP5605]" in err) == (3, True)


def test_too_much_is_not_run(mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("#" * (shells.MAX_SOURCE_BYTES + 1)))
    assert "[MOP5606]" in mobileops("shell", "echo")[2]
    monkeypatch.setattr(sys, "stdin", io.StringIO("#" * shells.MAX_SOURCE_BYTES))
    assert mobileops("shell", "echo")[0] == 0
    assert "[MOP5606]" in mobileops("shell", "echo", "-c", "'" + "\xe4" * (shells.MAX_SOURCE_BYTES // 2) + "'")[2]


def test_what_cannot_be_written_down_is_not_run(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = manager.home.root / "ran"

    def full(*_words: object) -> None:
        raise OSError(28, "No space left on device")

    assert mobileops("shell", "echo", "-c", f"open({str(mark)!r}, 'w').close()")[0] == 0
    assert mark.exists()
    mark.unlink()
    monkeypatch.setattr(audit, "open_files", full)
    code, _out, err = mobileops("shell", "echo", "-c", f"open({str(mark)!r}, 'w').close()")
    assert (code, "[MOP4310]" in err, mark.exists()) == (4, True, False)


def test_a_session_that_is_not_open_runs_nothing(mobileops: Run, manager: DaemonThread) -> None:
    client = connect(manager.home)
    assert client is not None
    for request in ({"verb": "shell-run", "source": "1"}, {"verb": "shell-interrupt"}):
        with pytest.raises(PluginError, match="no shell 99"):
            client.ask(session=99, **request)
    client.close()


def test_whatever_a_plugin_answers_has_the_form_of_an_answer() -> None:
    nothing = {"output": "", "error": "", "dropped": 0, "more": False, "exit": False, "failed": False}
    assert shells._checked("hostile", hide=str) == nothing
    hostile = {"output": 7, "dropped": "many", "failed": "yes", "more": 1, "else": {}}
    assert shells._checked(hostile, hide=str) == {**nothing, "output": "7"}


def test_lines_are_asked_for_with_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def prompt(self, text: str) -> str:
            return f"typed at {text}"

    class Installed:
        PromptSession = Session

    monkeypatch.setitem(sys.modules, "prompt_toolkit", Installed)
    assert _line_editing.prompter()("> ") == "typed at > "
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.setitem(sys.modules, "readline", None)
    assert _line_editing.prompter() is builtins.input
