"""Looking into running plugins through the command line, as root and as an ordinary user, in the real sandbox."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.fakes.debug_adapter_client import Editor
from tests.integration.conftest import TIMEOUT_S
from tests.integration.versions import install

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.integration.conftest import Account


@pytest.fixture
def echo(account: Account) -> Account:
    """An account with `echo` running."""
    install(account)
    account.ok("start", "echo")
    return account


def wait_for(terminal: int, pattern: bytes) -> None:
    """Wait until a terminal shows something; what an editor of lines draws around it may be there too."""
    shown, deadline = b"", time.monotonic() + TIMEOUT_S
    while not re.search(pattern, shown, re.DOTALL):
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], shown
        shown += os.read(terminal, 4096)


def test_a_shell_runs_in_the_sandbox_and_is_written_down(echo: Account) -> None:
    assert echo.ok("shell", "echo") == ""  # nothing on standard input, no terminal
    source = "import os, pathlib\nplugin.version\npathlib.Path('/data/mark').write_text('x')\nos.listdir('/st')"
    done = echo.script(f'mobileops shell echo <<"END"\n{source}\nEND')
    assert (done.returncode, done.stdout) == (1, "'1.0.0'\n1\n")
    assert done.stderr.splitlines()[-1].startswith("PermissionError")
    assert (echo.home / "data" / "echo" / "mark").read_text() == "x"
    assert echo.ok("call", "echo", "which") == '"1.0.0"\n'
    lines = [json.loads(line) for line in echo.ok("audit", "echo", "--json").splitlines()]
    [line] = [line for line in lines if line["operation"] == "shell"]
    assert (line["target"], line["verdict"]) == (f"{source}\n", "allowed")


def test_a_shell_at_a_terminal_is_a_prompt(echo: Account) -> None:
    ours, theirs = os.openpty()
    environment = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}  # this terminal answers no question
    with echo.popen("shell", "echo", stdin=theirs, stdout=theirs, stderr=theirs, environment=environment) as process:
        os.close(theirs)
        wait_for(ours, b">>>")
        os.write(ours, b"for i in range(2): print('n' * 3, i)\n\n")
        wait_for(ours, b"nnn 0\r\nnnn 1\r\n.*>>>")
        os.write(ours, b"1/0\n")
        wait_for(ours, b"ZeroDivisionError: division by zero\r\n.*>>>")
        os.write(ours, b"\x04")
        assert process.wait(TIMEOUT_S) == 0
        os.close(ours)


CODE = """
    import contextlib
    import os
    from mobileops.plugin import ServicePlugin, plugin_method

    class Echo(ServicePlugin):
        @plugin_method
        def add(self, left, right):
            total = left + right
            return total

        @plugin_method
        def surroundings(self):
            kinds = []
            for name in os.listdir("/proc/self/fd"):
                with contextlib.suppress(OSError):
                    kinds.append(os.readlink(f"/proc/self/fd/{name}").partition(":")[0])
            return [os.path.isdir("/debugger"), kinds.count("socket")]
"""
LINE = 1 + CODE.splitlines().index("            return total")
DEBUG_MODE = {"MOBILEOPS_PLUGIN_DEBUG": "1"}


@contextmanager
def debugging(account: Account, *words: str) -> Iterator[tuple[subprocess.Popen[str], Editor]]:
    """Run the verb, and connect an editor to the port that it prints."""
    with account.popen("debug", "echo", "--timeout", str(TIMEOUT_S), *words) as process:
        assert process.stdout is not None
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        [launch] = json.loads(text)["configurations"]
        with Editor(launch["connect"]["port"]) as editor:
            source = str(account.folder / "echo" / "main.py")
            mappings = [{"localRoot": str(account.folder / "echo"), "remoteRoot": "/app"}]
            assert launch["pathMappings"][0]["remoteRoot"] == "/app"
            editor.attach(source, LINE, mappings=mappings)
            yield process, editor


def stopped(account: Account, editor: Editor) -> tuple[subprocess.Popen[str], int]:
    """Have a call stop at the breakpoint; return it and the thread that it stands in."""
    call = account.popen("call", "echo", "add", "2", "3")
    thread = editor.event("stopped")["threadId"]
    frame, variables = editor.variables(thread)
    assert (frame["name"], frame["line"]) == ("add", LINE)
    assert (variables["left"], variables["right"], variables["total"]) == ("2", "3", "5")
    return call, thread


def answer_of(call: subprocess.Popen[str]) -> str:
    """Return what a call printed."""
    with call:
        return call.communicate(timeout=TIMEOUT_S)[0]


def test_an_editor_stops_a_plugin_in_its_sandbox_looks_at_it_and_lets_it_go_on(account: Account) -> None:
    install(account, CODE)
    account.ok("start", "echo", environment=DEBUG_MODE)
    before = account.json("status", "echo", "--json")
    assert before["cause"] == "ready, in debug mode"
    with debugging(account) as (process, editor):
        call, thread = stopped(account, editor)
        assert account.json("status", "echo", "--json")["pid"] == before["pid"]
        editor.ask("continue", threadId=thread)
        assert answer_of(call) == "5\n"
        editor.ask("disconnect", terminateDebuggee=False)
        editor.close()
        assert (process.wait(TIMEOUT_S), "goes on in debug mode" in process.stderr.read()) == (0, True)
    with debugging(account) as (process, editor):  # the next one hangs up in the middle
        call, _thread = stopped(account, editor)
        editor.close()
        assert (answer_of(call), process.wait(TIMEOUT_S)) == ("5\n", 0)
    with debugging(account) as (process, editor):  # and of the one after that, the verb is interrupted
        call, _thread = stopped(account, editor)
        process.send_signal(signal.SIGINT)
        assert (answer_of(call), process.wait(TIMEOUT_S)) == ("5\n", 130)
    after = account.json("status", "echo", "--json")
    assert (after["pid"], after["state"]) == (before["pid"], "running")
    lines = [json.loads(line) for line in account.ok("audit", "echo", "--json").splitlines()]
    reasons = [line["reason"] for line in lines if line["operation"] == "debug"]
    assert [reason.partition(" by ")[0] for reason in reasons] == [
        "started in debug mode",
        *["a debugger was attached"] * 3,
    ]


def test_nothing_of_debug_mode_is_in_a_plugin_that_was_not_started_in_it(account: Account) -> None:
    """The run in debug mode is the control: the same questions find the debugger there."""
    install(account, CODE)
    account.ok("start", "echo")
    plain = account.json("call", "echo", "surroundings")
    done = account.run("debug", "echo")
    assert (done.returncode, "[MOP5602]" in done.stderr) == (3, True)
    account.ok("debug", "echo", "--yes")
    found = account.json("call", "echo", "surroundings")
    assert (plain[0], found[0], found[1] - plain[1]) == (False, True, 1)
    account.ok("restart", "echo")
    assert account.json("call", "echo", "surroundings") == plain


def test_the_mission_s_order_works_without_a_terminal(installed: Account) -> None:
    done = installed.script(
        "export MOBILEOPS_PLUGIN_DEBUG=1; for verb in start debug shell; do mobileops $verb my-plugin </dev/null; done"
    )
    assert done.returncode == 0, done.stderr
