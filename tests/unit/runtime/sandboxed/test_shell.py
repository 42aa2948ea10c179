"""`mobileops.runtime.sandboxed.serving.shell`: statements that the operator types."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.sandboxed.serving.shell import MAX_OUTPUT, Shells
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.worker_thread import Running, close_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Plugin:
    """Stands in for an author's."""

    name = "p"


class Typist:
    """Asks the shells of one plugin, as the plugin manager does."""

    def __init__(self) -> None:
        self.plugin = Plugin()
        self.answers: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self.shells = Shells(self.plugin, reply=self.answers.put)  # type: ignore[arg-type]
        self.last = 0

    def send(self, session: int = 1, **body: Any) -> int:
        """Send a request and return its number."""
        self.last += 1
        self.shells.take(Frame(Kind.CONTROL, self.last, "shell", {"session": session, **body}))
        return self.last

    def answer(self) -> Any:
        """Wait for an answer."""
        return self.answers.get(timeout=20).body

    def run(self, source: str, *, script: bool = False, session: int = 1) -> dict[str, Any]:
        """Run something and return what came of it."""
        self.send(session, source=source, script=script)
        return self.answer()


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typist]:
    monkeypatch.setattr(sys, "displayhook", lambda value: sys.stdout.write(f"elsewhere {value!r}\n"))
    one = Typist()
    yield one
    threads = [session.thread for session in one.shells._sessions.values()]
    for number in tuple(one.shells._sessions):
        one.send(number, close=True)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_an_expression_is_shown_and_remembered(typist: Typist) -> None:
    assert typist.run("plugin.name")["output"] == "'p'\n"
    assert typist.run("_ * 2")["output"] == "'pp'\n"
    assert typist.run("None")["output"] == ""
    assert typist.run("_")["output"] == "'pp'\n"


def test_a_name_lives_as_long_as_its_session_and_is_no_other_session_s(typist: Typist) -> None:
    assert not typist.run("x = 1")["failed"]
    assert typist.run("x")["output"] == "1\n"
    assert "NameError" in typist.run("x", session=2)["error"]


def test_the_beginning_of_a_statement_is_not_run(typist: Typist) -> None:
    found = typist.run("for i in range(2):")
    assert (found["more"], found["output"], found["failed"]) == (True, "", False)
    assert typist.run("for i in range(2):\n  print(i)\n")["output"] == "0\n1\n"
    assert [typist.run("1", script=script)["more"] for script in (False, True)] == [False, False]


def test_an_exception_is_shown_from_the_statement_on(typist: Typist) -> None:
    found = typist.run("def f():\n  raise ValueError('bad')\n")
    found = typist.run("f()")
    lines = found["error"].splitlines()
    assert (lines[0], lines[1].strip()) == ("Traceback (most recent call last):", 'File "<shell>", line 1, in <module>')
    assert (lines[-1], found["failed"], found["output"]) == ("ValueError: bad", True, "")


@pytest.mark.parametrize("source", ["x =", "x = '\0'", "1 +* 2"])
@pytest.mark.parametrize("script", [True, False])
def test_what_cannot_be_compiled_is_an_error_and_not_run(typist: Typist, source: str, script: bool) -> None:
    found = typist.run(source, script=script)
    assert found["failed"]
    assert "Error" in found["error"]


def test_a_script_shows_each_value_and_ends_at_the_first_failure(typist: Typist) -> None:
    found = typist.run("from __future__ import annotations\n1\nif True:\n    2\nprint(3)\n1/0\n4\n", script=True)
    assert (found["output"], found["failed"]) == ("1\n2\n3\n", True)
    assert "ZeroDivisionError" in found["error"]


def test_leaving_a_shell_leaves_the_plugin_alone(typist: Typist) -> None:
    assert typist.run("exit()")["exit"]
    assert typist.run("raise SystemExit(3)")["exit"]
    assert not typist.run("1")["exit"]


def test_output_is_bounded_and_what_is_dropped_is_counted(typist: Typist) -> None:
    found = typist.run(f"print('x' * {MAX_OUTPUT + 9})")
    assert (len(found["output"]), found["dropped"]) == (MAX_OUTPUT, 10)


def test_half_a_surrogate_pair_can_be_sent(typist: Typist) -> None:
    assert typist.run("print('\\udc80')")["output"] == "\\udc80\n"


def test_what_other_threads_print_is_not_the_shell_s(
    typist: Typist, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    source = "import threading\nt = threading.Thread(target=print, args=('theirs',))\nt.start(); t.join()\nprint('own')"
    found = typist.run(source, script=True)
    sys.stdout.write("test\n")
    assert found["output"] == "own\n"
    assert (capsys.readouterr().out, sys.stdout.writable()) == ("theirs\ntest\n", True)


def test_a_value_that_no_shell_shows_goes_where_it_went_before(
    typist: Typist, capsys: pytest.CaptureFixture[str]
) -> None:
    typist.run("1")
    sys.displayhook(7)
    assert capsys.readouterr().out == "elsewhere 7\n"


def test_an_interrupt_ends_the_statement_and_nothing_else(typist: Typist) -> None:
    """What runs asks for it, so that the interrupt cannot come before the statement."""
    interrupting = threading.Thread(target=typist.send, kwargs={"interrupt": True})
    typist.plugin.interrupt = interrupting.start
    typist.send(source="plugin.interrupt()\nwhile True: pass", script=True)
    answers = [typist.answer(), typist.answer()]
    found = next(one for one in answers if one is not None)
    assert (len(answers), found["failed"], "KeyboardInterrupt" in found["error"]) == (2, True, True)
    interrupting.join()
    assert typist.run("1")["output"] == "1\n"


def test_a_request_that_is_cancelled_is_interrupted_and_another_is_not(typist: Typist) -> None:
    typist.plugin.cancel = typist.shells.cancel
    number = typist.last + 1
    typist.send(
        source=f"plugin.cancel({number + 1})\nprint('goes on')\nplugin.cancel({number})\nwhile True: pass", script=True
    )
    found = typist.answer()
    assert (found["output"], "KeyboardInterrupt" in found["error"]) == ("goes on\n", True)


def test_an_interrupt_between_two_statements_is_a_failure_too(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    typist.run("1")
    session = typist.shells._sessions[1]

    def interrupted(_source: str, *, script: bool) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "_interpret", interrupted)
    found = typist.run("1")
    assert (found["failed"], found["error"]) == (True, "KeyboardInterrupt\n")


def test_what_waits_when_an_interrupt_comes_is_not_begun(typist: Typist) -> None:
    typist.plugin.gate = threading.Event()
    typist.send(source="plugin.gate.wait()\n'first'", script=True)
    typist.send(source="'second'")
    typist.shells.cancel(typist.last)
    typist.plugin.gate.set()
    first, second = typist.answer(), typist.answer()
    assert (first["output"], first["failed"]) == ("True\n'first'\n", False)
    assert (second["output"], second["error"]) == ("", "KeyboardInterrupt\n")


def test_an_interrupt_of_nothing_is_forgotten(typist: Typist) -> None:
    typist.send(interrupt=True)
    assert typist.answer() is None
    typist.run("1")
    typist.send(interrupt=True)
    assert typist.answer() is None
    assert typist.run("2")["output"] == "2\n"


def test_closing_a_session_interrupts_what_runs_in_it(typist: Typist) -> None:
    closing = threading.Thread(target=typist.send, kwargs={"close": True})
    typist.plugin.close = closing.start
    typist.send(source="plugin.close()\nwhile True: pass", script=True)
    found = next(one for one in (typist.answer(), typist.answer()) if one is not None)
    assert (found["failed"], "KeyboardInterrupt" in found["error"]) == (True, True)
    closing.join()


def test_a_closed_session_has_no_thread_and_its_names_are_gone(typist: Typist) -> None:
    typist.run("x = 1")
    thread = typist.shells._sessions[1].thread
    typist.send(close=True)
    assert typist.answer() is None
    thread.join(20)
    assert not thread.is_alive()
    assert "NameError" in typist.run("x")["error"]


CODE = """
    from mobileops.plugin import ServicePlugin, plugin_method

    class P(ServicePlugin):
        @plugin_method
        def one(self):
            return 1
"""


def test_a_worker_hands_over_what_is_typed_and_answers_calls_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr", "displayhook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    try:
        running = Running(write_plugin(tmp_path / "p", CODE, name="p"))
        running.notes_until("ready")
        source = "import threading\nplugin.gate = threading.Event()\nplugin.gate.wait()\nwhile True: pass"
        running.channel.send(Frame(Kind.CONTROL, 8, "shell", {"session": 1, "source": source, "script": True}))
        assert running.ask(Kind.CALL, "one").body == 1
        running.channel.send(Frame(Kind.CONTROL, 9, "shell", {"session": 2, "source": "plugin.gate.set()"}))
        assert running.channel.receive().id == 9
        running.channel.send(Frame(Kind.CANCEL, 8, "", None))
        cancelled = running.channel.receive()
        assert (cancelled.id, "KeyboardInterrupt" in cancelled.body["error"]) == (8, True)
        running.channel.send(Frame(Kind.CONTROL, 10, "shell", {}))
        malformed = running.channel.receive()
        assert (malformed.kind, malformed.body["type"]) == (Kind.ERROR, "KeyError")
        for number in (1, 2):
            running.channel.send(Frame(Kind.CONTROL, 11, "shell", {"session": number, "close": True}))
            assert running.channel.receive().body is None
        assert running.stop() == 0
    finally:
        close_all()
