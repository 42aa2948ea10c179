"""`mobileops.runtime.sandboxed.worker`: the plugin's process, run here as a thread without the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.channel.rpc import Frame, Kind, encode
from mobileops.runtime.sandboxed import worker
from mobileops.runtime.sandboxed.serving import host
from tests.fakes.plugin_folder import ECHO, write_plugin
from tests.fakes.worker_thread import Running

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_plugin(tmp_path / "echo")


def test_a_plugin_becomes_ready_and_tells_its_methods(app: Path) -> None:
    running = Running(app)
    assert running.notes_until("ready")[-1].body["methods"] == ["echo", "fail"]
    assert running.stop() == 0


def test_a_call_returns_its_value(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    assert running.ask(Kind.CALL, "echo", {"a": [1, None, "x"]}).body == {"a": [1, None, "x"]}
    running.stop()


def test_an_exception_is_an_answer_with_type_and_message_but_no_traceback(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    answer = running.ask(Kind.CALL, "fail")
    assert answer.kind is Kind.ERROR
    assert answer.body == {"type": "ValueError", "message": "as asked", "code": "MOP5010", "detail": None}
    running.stop()


def test_debug_adds_the_traceback(app: Path) -> None:
    running = Running(app, debug=True)
    running.notes_until("ready")
    assert "in fail" in running.ask(Kind.CALL, "fail").body["detail"]
    running.stop()


def test_only_exported_methods_are_served(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    assert running.ask(Kind.CALL, "load_config").body["code"] == "MOP5013"
    assert running.ask(Kind.CONTROL, "dance").body["code"] == "MOP5013"
    running.stop()


def test_a_result_that_cannot_be_sent_is_an_error_answer(tmp_path: Path) -> None:
    running = Running(
        write_plugin(
            tmp_path / "echo", ECHO + "\n        @plugin_method\n        def odd(self):\n            return object()\n"
        )
    )
    running.notes_until("ready")
    assert running.ask(Kind.CALL, "odd").body["type"] == "TypeError"
    assert running.ask(Kind.CALL, "echo", 1).body == 1
    running.stop()


def test_async_methods_are_awaited(tmp_path: Path) -> None:
    running = Running(
        write_plugin(
            tmp_path / "echo", ECHO + "\n        @plugin_method\n        async def later(self):\n            return 5\n"
        )
    )
    running.notes_until("ready")
    assert [running.ask(Kind.CALL, "later").body for _ in range(2)] == [5, 5]
    running.stop()


HEAD = "from mobileops.plugin import ServicePlugin\nclass P(ServicePlugin):\n"
QUEUED = """
    import asyncio
    import threading
    from mobileops.plugin import ServicePlugin, plugin_method

    class Queued(ServicePlugin):
        def __init__(self):
            super().__init__()
            self.done = threading.Event()

        def start(self):
            while not self.done.wait(0.01):
                for request in self.get_pending_requests():
                    try:
                        self.send_response(request.id, self.handle_request(request))
                    except Exception as error:
                        self.send_error_response(request.id, str(error))

        def stop(self):
            self.done.set()

        @plugin_method
        def double(self, value: int):
            return value * 2

        @plugin_method
        async def double_later(self, value: int):
            await asyncio.sleep(0)
            return value * 2

        @plugin_method
        def upto(self, most: int):
            yield from range(most)

        @plugin_method
        async def upto_later(self, most: int):
            for number in range(most):
                yield number
"""


def test_a_queued_request_is_answered_by_the_service_loop(tmp_path: Path) -> None:
    running = Running(write_plugin(tmp_path / "echo", QUEUED))
    running.notes_until("ready")
    assert running.ask(Kind.QUEUE, "double", 21).body == 42
    assert "no plugin method 'nothing'" in running.ask(Kind.QUEUE, "nothing").body["message"]
    running.stop()


@pytest.mark.parametrize(("method", "expected"), [("double_later", 6), ("upto", [0, 1, 2]), ("upto_later", [0, 1, 2])])
def test_a_queued_request_of_any_kind_of_method_has_its_one_result(
    tmp_path: Path, method: str, expected: object
) -> None:
    running = Running(write_plugin(tmp_path / "echo", QUEUED))
    running.notes_until("ready")
    assert running.ask(Kind.QUEUE, method, 3).body == expected
    running.stop()


def test_the_arguments_of_a_queued_request_are_checked_too(tmp_path: Path) -> None:
    running = Running(write_plugin(tmp_path / "echo", QUEUED))
    running.notes_until("ready")
    assert "argument 'value'" in running.ask(Kind.QUEUE, "double", "x").body["message"]
    running.stop()


@pytest.mark.parametrize("kind", [Kind.CALL, Kind.QUEUE])
def test_a_call_whose_arguments_cannot_be_read_is_refused_and_the_next_is_served(tmp_path: Path, kind: Kind) -> None:
    running = Running(write_plugin(tmp_path / "echo", QUEUED))
    running.notes_until("ready")
    wire = encode(Frame(kind, 5, "double", {"args": ["####"], "kwargs": {}})).replace(b"####", b"\xff" * 4)
    running.channel.send_wire(wire)  # text that is no UTF-8
    assert running.channel.receive().body["code"] == "MOP5015"
    assert running.ask(kind, "double", 21).body == 42
    running.stop()


def test_a_full_queue_answers_at_once(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "MAX_QUEUED_REQUESTS", 0)
    running = Running(app)
    running.notes_until("ready")
    assert running.ask(Kind.QUEUE, "echo").body["code"] == "MOP5012"
    running.stop()


def test_a_request_can_be_answered_once_only(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    running.channel.send(Frame(Kind.QUEUE, 9, "echo", {"args": [], "kwargs": {}}))
    running.ask(Kind.CALL, "echo")
    running.host.respond(9, "first")
    with pytest.raises(ValueError, match="9"):
        running.host.respond_error(9, "second")
    running.stop()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("def broken(:\n", "SyntaxError"),
        (
            HEAD + "    def initialize(self): return False\n",
            "initialize() returned False",
        ),
        (
            HEAD + "    def initialize(self): raise OSError('disk')\n",
            "OSError: disk",
        ),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("x = 1\n", "expected exactly one class"),
    ],
    ids=["syntax", "returned false", "raised", "exit", "no class"],
)
def test_a_start_that_fails_says_why(tmp_path: Path, code: str, cause: str) -> None:
    running = Running(write_plugin(tmp_path / "echo", code))
    assert cause in running.notes_until("failed")[-1].body["cause"]
    assert running.join() == worker.EXIT_FAILED


def test_a_service_whose_start_raises_has_failed(tmp_path: Path) -> None:
    code = HEAD + "    def start(self): raise RuntimeError('lost')\n"
    running = Running(write_plugin(tmp_path / "echo", code))
    running.notes_until("ready")
    assert running.notes_until("failed")[-1].body["cause"] == "RuntimeError: lost"
    assert running.join() == worker.EXIT_FAILED


CONNECTING = """
    import time
    from mobileops.plugin import IntegrationPlugin, plugin_method

    class Echo(IntegrationPlugin):
        def connect(self):
            time.sleep(0.2)
            self.link = "up"

        @plugin_method
        def ask(self):
            return self.link
"""


def test_an_integration_is_asked_for_nothing_before_it_has_connected(tmp_path: Path) -> None:
    running = Running(write_plugin(tmp_path / "echo", CONNECTING, type="integration"))
    running.notes_until("ready")
    assert running.ask(Kind.CALL, "ask").body == "up"
    running.stop()


def test_an_integration_that_cannot_connect_does_not_become_ready(tmp_path: Path) -> None:
    code = CONNECTING.replace('self.link = "up"', 'raise ConnectionError("no route")')
    running = Running(write_plugin(tmp_path / "echo", code, type="integration"))
    notes = running.notes_until("failed")
    assert notes[-1].body["cause"] == "ConnectionError: no route"
    assert "ready" not in [note.body.get("state") for note in notes]
    assert running.join() == worker.EXIT_FAILED


def test_hooks_run_in_order(tmp_path: Path) -> None:
    hooks = {name: f"hooks/{name}.py" for name in ("pre_start", "post_start", "pre_stop", "post_stop")}
    record = "from pathlib import Path\nwith Path({!r}).open('a') as f: f.write({!r})\n"
    trace = tmp_path / "trace"
    app = write_plugin(
        tmp_path / "echo",
        hooks=hooks,
        files={path: record.format(str(trace), name + " ") for name, path in hooks.items()},
    )
    running = Running(app)
    running.notes_until("ready")
    assert running.stop() == 0
    assert trace.read_text() == "pre_start post_start pre_stop post_stop "


def test_a_failing_pre_start_hook_stops_the_start(tmp_path: Path) -> None:
    app = write_plugin(
        tmp_path / "echo", hooks={"pre_start": "pre.py"}, files={"pre.py": "raise RuntimeError('not today')"}
    )
    assert "not today" in Running(app).notes_until("failed")[-1].body["cause"]


def test_health_is_the_plugins_own_report(tmp_path: Path) -> None:
    running = Running(
        write_plugin(tmp_path / "echo", ECHO + "\n        def health_check(self):\n            return {'ok': True}\n")
    )
    running.notes_until("ready")
    assert running.ask(Kind.CONTROL, "health").body == {"ok": True}
    running.stop()


def test_a_log_field_that_cannot_be_sent_becomes_text(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    running.host.log("INFO", "odd", {"thing": object})
    assert running.channel.receive().body["fields"] == {"thing": "<class 'object'>"}
    running.stop()


def test_the_ini_file_lies_under_the_manifest(tmp_path: Path) -> None:
    app = write_plugin(
        tmp_path / "echo", configuration={"a": 1}, files={"config/default.conf": "[plugin]\na = 0\nb = 2\n"}
    )
    running = Running(app, settings={"c": 3})
    running.notes_until("ready")
    assert running.host.configuration() == {"a": 1, "b": "2", "c": 3}
    assert running.host.uptime_s() > 0
    running.stop()


def test_a_plugin_whose_manager_is_gone_is_told_to_end(app: Path) -> None:
    running = Running(app)
    running.notes_until("ready")
    running.channel.hang_up()
    assert running.gone.wait(10)


ASYNCHRONOUS = """
    import asyncio
    from mobileops.plugin import ServicePlugin, plugin_method

    class Asynchronous(ServicePlugin):
        async def initialize(self):
            self.over = asyncio.Event()

        async def start(self):
            await self.over.wait()
            await asyncio.sleep(0.01)  # the loop must still run when stop() has returned
            self.log("INFO", "returned")

        async def stop(self):
            self.over.set()

        async def health_check(self):
            return {"healthy": True}

        async def handle_message(self, sender, message):
            self.log("INFO", message)
"""


def test_the_life_of_a_plugin_may_be_asynchronous(tmp_path: Path) -> None:
    running = Running(write_plugin(tmp_path / "echo", ASYNCHRONOUS))
    running.notes_until("ready")
    assert running.ask(Kind.CONTROL, "health").body == {"healthy": True}
    running.channel.send(Frame(Kind.DELIVER, 0, "message", {"sender": "other", "id": 1, "body": "hello"}))
    assert running.channel.receive().body["message"] == "hello"
    running.channel.send(Frame(Kind.CONTROL, 2, "stop", {}))
    last = [running.channel.receive() for _ in range(2)]
    assert {frame.kind for frame in last} == {Kind.RESULT, Kind.NOTE}
    assert [frame.body["message"] for frame in last if frame.kind is Kind.NOTE] == ["returned"]
    assert running.join() == 0


def test_an_asynchronous_initialize_that_says_no_is_a_failed_start(tmp_path: Path) -> None:
    code = ASYNCHRONOUS.replace("self.over = asyncio.Event()", "return False")
    running = Running(write_plugin(tmp_path / "echo", code))
    assert running.notes_until("failed")[-1].body["cause"] == "initialize() returned False"
    assert running.join() == 1
