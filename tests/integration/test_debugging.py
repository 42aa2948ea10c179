"""Looking into running plugins through the command line, as root and as an ordinary user, in the real sandbox."""

from __future__ import annotations

import json
import os
import select
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import TIMEOUT_S
from tests.integration.versions import install

if TYPE_CHECKING:
    from tests.integration.conftest import Account


@pytest.fixture
def echo(account: Account) -> Account:
    """An account with `echo` running."""
    install(account)
    account.ok("start", "echo")
    return account


def seen(terminal: int, text: bytes) -> bytes:
    """Return what a terminal shows until a text is there."""
    shown, deadline = b"", time.monotonic() + TIMEOUT_S
    while text not in shown:
        assert select.select([terminal], [], [], deadline - time.monotonic())[0], shown
        shown += os.read(terminal, 4096)
    return shown


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
    with echo.popen("shell", "echo", stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen(ours, b">>> ")
        os.write(ours, b"for i in range(2): print('n' * 3, i)\n\n")
        assert b"nnn 0\r\nnnn 1\r\n" in seen(ours, b"nnn 1\r\n>>> ")
        os.write(ours, b"1/0\n")
        seen(ours, b"ZeroDivisionError: division by zero\r\n>>> ")
        os.write(ours, b"\x04")
        assert process.wait(TIMEOUT_S) == 0
        os.close(ours)
