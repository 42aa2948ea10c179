"""``mobileops debug`` and debug mode, through `main`, with a plugin manager in a thread and a fake of debugpy."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.cli.commands import _editor
from mobileops.cli.commands import debug as verb
from mobileops.errors import HostFault, MobileOpsError
from mobileops.runtime import audit
from mobileops.runtime.home import Home
from mobileops.runtime.manager import client as clients
from mobileops.runtime.manager import control
from mobileops.runtime.store import Store
from mobileops.runtime.supervision import runs
from tests.fakes.daemon_thread import DaemonThread, serving
from tests.fakes.debugpy_package import write_debugpy
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.cli.conftest import Run


WAIT = _editor.wait_for_editor


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what the plugin manager or the plugin does without anybody who waits for it."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    Store(home).install(publisher.publish(), verify=publisher.decision())
    return home


@pytest.fixture
def debugger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a fake in debugpy's place."""
    package = write_debugpy(tmp_path / "beside")  # where no process of a plugin looks for modules
    for module in (runs, verb):
        monkeypatch.setattr(module, "find_debugger", lambda: package)
    return package


@pytest.fixture
def manager(home: Home, mobileops: Run, debugger: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonThread]:
    """A plugin manager, and debug mode wanted."""
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "1")
    with serving(home, monkeypatch) as thread:
        yield thread


class Coming:
    """Has editors come as soon as they are waited for, and the verb wait for the last one's end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *editors: Callable[[int], object]) -> None:
        self.done: list[object] = []
        self._threads: list[threading.Thread] = []
        self.address: tuple[str, int] | None = None

        def wait(listener: socket.socket, **options: Any) -> socket.socket | None:
            self.address = listener.getsockname()
            port = self.address[1]
            for editor in editors:
                thread = threading.Thread(target=lambda act=editor: self.done.append(act(port)))
                self._threads.append(thread)
                thread.start()
            return WAIT(listener, **options)

        monkeypatch.setattr(_editor, "wait_for_editor", wait)

    def join(self) -> list[object]:
        """Wait for the editors and return what came of them."""
        for thread in self._threads:
            thread.join(20)
        return self.done


def say(port: int, *words: bytes) -> list[bytes]:
    """Be an editor that says something and hangs up when it was answered."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        heard = []
        for word in words:
            connection.sendall(word)
            heard.append(connection.recv(100))
        return heard


def test_an_editor_talks_to_the_debugger_and_another_one_after_it(
    mobileops: Run, manager: DaemonThread, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _out, err = mobileops("start", "echo", "--json")
    assert (code, "echo is in debug mode for this run" in err) == (0, True)
    assert "ready, in debug mode" in mobileops("status")[1]
    for words in ([b"one", b"two"], [b"three"]):
        coming = Coming(monkeypatch, lambda port, words=words: say(port, *words))
        code, out, err = mobileops("debug", "echo", "--timeout", "60")
        assert coming.join() == [[b"heard " + word for word in words]]
        assert (code, "an editor is attached" in err, "goes on in debug mode" in err) == (0, True, True)
        [launch] = json.loads(out)["configurations"]
        assert (launch["type"], launch["request"]) == ("debugpy", "attach")
        assert coming.address == (launch["connect"]["host"], launch["connect"]["port"])
        assert launch["pathMappings"][0]["remoteRoot"].startswith(str(home.store))
    assert mobileops("call", "echo", "echo", "1")[1] == "1\n"
    typed = [line for line in audit.read(home.audit, "echo") if line["operation"] == "debug"]
    assert typed[0]["reason"] == "started in debug mode"
    assert [f"attached by pid {os.getpid()} of uid {os.geteuid()}" in line["reason"] for line in typed[1:]] == [
        True
    ] * 2
    eventually(lambda: mobileops("logs", "echo")[1].count("let go True True") == 2)
    out = mobileops("logs", "echo")[1]
    assert (out.count("attached a debugger"), out.count("was detached")) == (2, 2)


def test_errors_carry_tracebacks_and_debug_mode_ends_with_the_run(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert as_published("plugin-state", mobileops("start", "echo", "--json")[1])["debug"] == "ready"
    client = clients.connect(manager.home)
    assert client is not None
    with pytest.raises(MobileOpsError) as caught:
        client.ask("call", name="echo", method="fail")
    assert 'raise ValueError("as asked")' in str(caught.value.why)
    client.close()
    monkeypatch.delenv("MOBILEOPS_PLUGIN_DEBUG")
    assert as_published("plugin-state", mobileops("restart", "echo", "--json")[1])["debug"] is None
    assert as_published("status", mobileops("status", "echo", "--detailed", "--json")[1])["debug"] is None
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "1")
    assert as_published("plugin-state", mobileops("reload", "echo", "--json")[1])["debug"] == "ready"
    assert as_published("plugin-state", mobileops("stop", "echo", "--json")[1])["debug"] is None


def test_what_does_not_run_is_started_in_debug_mode(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOBILEOPS_PLUGIN_DEBUG")
    code, _out, err = mobileops("debug", "echo", "--timeout", "0")
    assert (code, "it is started in debug mode" in err, "no editor came" in err) == (1, True, True)
    assert "goes on in debug mode" in err
    assert json.loads(mobileops("status", "echo", "--detailed", "--json")[1])["debug"] == "ready"


@pytest.mark.parametrize(("words", "environment", "answer"), [(["--yes"], "0", ""), ([], "1", ""), ([], "", "y\n")])
def test_what_runs_outside_debug_mode_is_restarted_when_the_operator_agrees(
    mobileops: Run,
    manager: DaemonThread,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    environment: str,
    answer: str,
) -> None:
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "")
    mobileops("start", "echo")
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", environment)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: bool(answer), raising=False)
    code, _out, err = mobileops("debug", "echo", "--timeout", "0", *words)
    assert (code, "was restarted in debug mode" in err) == (1, True)
    assert ("restart it? [y/N]" in err) == bool(answer)


@pytest.mark.parametrize(
    ("answer", "terminals"),
    [("", ""), ("n\n", "stdin stderr"), ("\n", "stdin stderr"), ("y\n", "stdin"), ("y\n", "stderr")],
)
def test_what_runs_is_not_restarted_without_a_yes_at_a_terminal(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch, answer: str, terminals: str
) -> None:
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "")
    mobileops("start", "echo")
    before = json.loads(mobileops("status", "echo", "--json")[1])["pid"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda name=name: name in terminals.split(), raising=False)
    code, _out, err = mobileops("debug", "echo", "--timeout", "0")
    assert (code, "[MOP5602]" in err, "--yes" in err) == (3, True, True)
    assert json.loads(mobileops("status", "echo", "--json")[1])["pid"] == before


def test_the_wait_ends_with_standard_input(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"a line that is nothing")
    os.close(theirs)
    with os.fdopen(ours) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, _out, err = mobileops("debug", "echo")
    assert (code, "standard input has ended" in err) == (0, True)


def test_ctrl_c_ends_the_wait(mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # which cannot be waited for
    Coming(monkeypatch, lambda _port: os.kill(os.getpid(), signal.SIGINT))
    assert mobileops("debug", "echo")[0] == 130
    assert mobileops("call", "echo", "echo", "1")[1] == "1\n"


def test_another_account_s_connection_is_refused_and_the_next_one_served(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = iter([None, 4711, os.geteuid()])
    monkeypatch.setattr(_editor, "uid_of", lambda _connection: next(uids))

    def come(port: int) -> list[bytes]:
        for _stranger in range(2):
            with socket.create_connection(("127.0.0.1", port), 20) as connection:
                assert connection.recv(1) == b""
        return say(port, b"one")

    coming = Coming(monkeypatch, come)
    code, _out, err = mobileops("debug", "echo", "--timeout", "60")
    assert (code, coming.join()) == (0, [[b"heard one"]])
    assert "refused: a connection of uid 4711" in err


def test_the_kernel_says_whose_a_connection_is(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text("  sl  local_address rem_address\n")
    with _editor.listen(0) as listener, socket.create_connection(listener.getsockname()) as editor:
        connection, _address = listener.accept()
        with connection:
            assert _editor.uid_of(connection) == os.geteuid()
            assert _editor.uid_of(connection, table=table) is None
            assert editor.getpeername() == listener.getsockname()


def test_a_port_that_is_taken_is_said(mobileops: Run, manager: DaemonThread) -> None:
    with _editor.listen(0) as listener:
        code, _out, err = mobileops("debug", "echo", "--port", str(listener.getsockname()[1]))
    assert (code, "[MOP5607]" in err) == (4, True)
    with pytest.raises(HostFault, match="70000"):
        _editor.listen(70000)


def test_a_plugin_that_ends_ends_the_session(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    def come(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(b"one")
            connection.recv(100)
            client = clients.connect(manager.home)
            assert client is not None
            client.ask("stop", name="echo")
            client.close()
            return connection.recv(1)

    coming = Coming(monkeypatch, come)
    assert mobileops("debug", "echo", "--timeout", "60")[0] == 0
    assert coming.join() == [b""]


def test_one_editor_at_a_time_and_none_outside_debug_mode(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    mobileops("start", "echo")
    first, second = clients.connect(manager.home), clients.connect(manager.home)
    assert first is not None
    assert second is not None
    with first.become("debug", name="echo") as connection:
        for request in (lambda: second.become("debug", name="echo"), lambda: second.ask("debug-facts", name="echo")):
            with pytest.raises(MobileOpsError, match="attached to 'echo' already"):
                request()
        assert json.loads(mobileops("status", "echo", "--detailed", "--json")[1])["debug"] == "attached"
        connection.sendall(b"x")
        assert connection.recv(100) == b"heard x"
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "0")
    mobileops("restart", "echo")
    with pytest.raises(MobileOpsError, match="not in debug mode"):
        second.become("debug", name="echo")
    second.close()


def test_a_plugin_that_takes_no_editor_is_said(mobileops: Run, manager: DaemonThread) -> None:
    mobileops("start", "echo")
    instance = manager.daemon_object._supervisor.roster.routes["echo"]
    assert instance.launched is not None
    assert instance.launched.debugger is not None
    instance.launched.debugger.shutdown(socket.SHUT_RDWR)
    client = clients.connect(manager.home)
    assert client is not None
    with pytest.raises(MobileOpsError, match="takes no debugger"):
        client.become("debug", name="echo")
    client.close()
    assert not instance.attached


def test_an_editor_that_has_gone_before_it_was_told_leaves_nothing_attached(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    mobileops("start", "echo")
    client = clients.connect(manager.home)
    assert client is not None
    monkeypatch.setattr(control.ControlClient, "_send", lambda self, _frame: self.close())
    with pytest.raises(HostFault):
        client.become("debug", name="echo")
    client.close()
    eventually(lambda: not manager.daemon_object._supervisor.roster.routes["echo"].attached)


def test_a_debugger_that_cannot_be_loaded_leaves_the_plugin_running(
    mobileops: Run, manager: DaemonThread, debugger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (debugger / "__init__.py").write_text("raise MemoryError('too much')")

    def hang(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            return connection.recv(1)

    for _attempt in range(2):
        coming = Coming(monkeypatch, hang)
        assert mobileops("debug", "echo", "--timeout", "60")[0] == 0
        assert set(coming.join()) == {b""}
    assert mobileops("call", "echo", "echo", "1")[1] == "1\n"
    assert "the debugger cannot be loaded: MemoryError: too much" in mobileops("logs", "echo")[1]


def test_without_the_extra_it_is_said_and_tracebacks_remain(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (runs, verb):
        monkeypatch.setattr(module, "find_debugger", lambda: None)
    code, out, err = mobileops("start", "echo", "--json")
    assert (code, json.loads(out)["debug"], "mobileops-runtime[debug]" in err) == (0, "errors", True)
    code, _out, err = mobileops("debug", "echo")
    assert (code, "[MOP5601]" in err, "mobileops-runtime[debug]" in err) == (4, True, True)
    client = clients.connect(manager.home)
    assert client is not None
    with pytest.raises(MobileOpsError, match="'debugpy' is missing"):
        client.ask("debug-facts", name="echo")
    client.close()
    monkeypatch.setattr(verb, "find_debugger", lambda: manager.home.root)
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "")
    assert "before there was a debugger" in mobileops("debug", "echo")[2]
