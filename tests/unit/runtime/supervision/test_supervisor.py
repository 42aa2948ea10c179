"""`mobileops.runtime.supervision.supervisor`: start, call, stop, and what happens when a plugin ends by itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import (
    CallError,
    HostFault,
    IsolationRefused,
    NotFoundError,
    PluginError,
    RefusedError,
    TrustRefused,
)
from mobileops.runtime import audit, logs
from mobileops.runtime.supervision import supervisor
from tests.fakes.bench import Bench, until
from tests.fakes.plugin_folder import ECHO

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.supervision.supervisor import Supervisor

STUBBORN = """
    import time
    from pathlib import Path
    from mobileops.plugin import ServicePlugin

    class Stubborn(ServicePlugin):
        def start(self):
            Path({mark!r}).touch()
            while True:
                time.sleep(0.01)
"""
HEAD = "from mobileops.plugin import ServicePlugin, plugin_method\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_started_plugin_runs_answers_and_stops(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        state = await one.start("echo")
        assert (state["state"], state["methods"]) == ("running", ["echo", "fail"])
        assert await one.call("echo", "echo", body={"args": [5]}) == 5
        assert one.active() == ["echo"]
        assert (await one.stop("echo"))["state"] == "stopped"
        assert one.active() == []

    bench.drive(scenario)
    assert bench.messages() == [
        "starting: started by the operator",
        "running: ready",
        "stopping: stopped by the operator",
        "stopped: stopped by the operator",
    ]


def test_a_plugin_can_be_started_again(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        for _ in range(2):
            await one.start("echo")
            await one.stop("echo")

    bench.drive(scenario)


def test_what_runs_cannot_be_started_twice(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(PluginError) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP5104"

    bench.drive(scenario)


@pytest.mark.parametrize("verb", ["start", "stop", "health"])
def test_what_is_not_installed_is_not_found(bench: Bench, verb: str) -> None:
    async def scenario(one: Supervisor) -> None:
        with pytest.raises(NotFoundError):
            await getattr(one, verb)("nobody")

    bench.drive(scenario)


@pytest.mark.parametrize("verb", ["stop", "health"])
def test_what_does_not_run_cannot_be_used(bench: Bench, verb: str) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(PluginError) as caught:
            await getattr(one, verb)("echo")
        assert caught.value.code == "MOP5105"

    bench.drive(scenario)


def test_a_changed_file_stops_the_start(bench: Bench) -> None:
    bench.install()
    (bench.store.folder(bench.store.get("echo")) / "main.py").write_text("print('mine now')")

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(RefusedError) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP6006"
        assert one.active() == []

    bench.drive(scenario)


def test_a_bundle_that_was_revoked_after_its_install_is_not_started(bench: Bench) -> None:
    bench.install()
    policy = {
        "version": 1,
        "roots": {"local": {"local_instance": True, "assurance": "local"}},
        "revoked": {"sha256": [bench.store.get("echo").sha256]},
    }
    bench.home.trust_policy.write_text(json.dumps(policy))

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(TrustRefused) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP3170"

    bench.drive(scenario)


def test_a_log_record_that_is_no_json_does_not_disturb_the_manager(bench: Bench) -> None:
    odd = "import msgspec; self.log('INFO', 'odd', thing=msgspec.msgpack.Ext(1, b'x'))"
    bench.install(ECHO + f"\n        @plugin_method\n        def odd(self):\n            {odd}\n")

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await one.call("echo", "odd", body={})
        await until(lambda: "odd" in bench.messages())
        assert await one.call("echo", "echo", body={"args": [1]}) == 1

    bench.drive(scenario)


def test_a_host_that_cannot_confine_starts_nothing(bench: Bench) -> None:
    bench.install()
    bench.launcher.refusal = IsolationRefused("no Landlock", code="MOP4003")

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(IsolationRefused):
            await one.start("echo")
        assert one.describe("echo")["state"] == "stopped"

    bench.drive(scenario)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (HEAD + "class P(ServicePlugin):\n    def initialize(self): return False\n", r"initialize\(\) returned False"),
        (HEAD + "import os\nos._exit(7)\n", "exit status 7"),
        (HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "killed by SIGSEGV"),
        (HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "killed by SIGKILL|closed its channel"),
        (HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGRTMIN + 2)\n", "killed by signal 36"),
    ],
    ids=["says no", "exits", "crashes", "dies", "dies of a signal without a name"],
)
def test_a_plugin_that_does_not_become_ready_has_failed_with_its_cause(bench: Bench, code: str, cause: str) -> None:
    bench.install(code)

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(PluginError) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP5106"
        assert re.search(cause, caught.value.what)
        assert one.describe("echo")["state"] == "failed"

    bench.drive(scenario)


def test_a_plugin_that_is_never_ready_is_killed_in_time(bench: Bench) -> None:
    bench.install(HEAD + "import time\ntime.sleep(60)\n", resources={"start_timeout": 1})

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(PluginError, match="not ready within 1 s"):
            await one.start("echo")
        await until(lambda: one.active() == [])

    bench.drive(scenario)


def test_a_plugin_that_ignores_stop_is_killed_after_its_time(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "in-start"  # a stop before start() would find nothing that ignores it
    bench.install(STUBBORN.format(mark=str(mark)), resources={"stop_timeout": 1})

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await until(mark.exists)
        state = await one.stop("echo")
        assert state["state"] == "stopped"
        assert "killed" in state["cause"]

    bench.drive(scenario)


def test_a_plugin_that_dies_fails_its_callers_and_is_marked(bench: Bench) -> None:
    bench.install(
        ECHO + "\n        @plugin_method\n        def die(self):\n            import os\n            os._exit(9)\n"
    )

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(PluginError):
            await one.call("echo", "die", body={})
        await until(lambda: "exit status 9" in one.describe("echo")["cause"])
        assert one.describe("echo")["state"] == "failed"

    bench.drive(scenario)


def test_a_killed_plugin_is_noticed(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        state = await one.start("echo")
        os.kill(state["pid"], signal.SIGKILL)
        await until(lambda: one.describe("echo")["state"] == "failed")

    bench.drive(scenario)


def test_a_plugin_that_speaks_nonsense_is_killed(bench: Bench) -> None:
    rave = "self._host.exchange._channel._socket.sendall(b'\\xff' * 8)"
    bench.install(ECHO + f"\n        @plugin_method\n        def rave(self):\n            {rave}\n")

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(RefusedError):
            await one.call("echo", "rave", body={})
        assert "MOP5001" in one.describe("echo")["cause"]

    bench.drive(scenario)


def test_an_unknown_method_names_the_known_ones(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(NotFoundError) as caught:
            await one.call("echo", "ehco", body={})
        assert caught.value.why == "it exports echo, fail"

    bench.drive(scenario)


def test_an_exception_reaches_the_caller_as_a_call_error(bench: Bench) -> None:
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(CallError, match="ValueError: as asked"):
            await one.call("echo", "fail", body={})

    bench.drive(scenario)


def test_health_is_asked_of_the_plugin(bench: Bench) -> None:
    bench.install(ECHO + "\n        def health_check(self):\n            return {'fine': True}\n")

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        assert await one.health("echo") == {"fine": True}

    bench.drive(scenario)


def test_logs_and_output_reach_the_log_file(bench: Bench) -> None:
    code = (
        ECHO
        + "\n        def initialize(self):"
        + "\n            self.log('WARNING', 'structured', answer=42)"
        + "\n            print('printed', flush=True)\n"
    )
    bench.install(code)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await until(lambda: "printed" in bench.messages())

    bench.drive(scenario)
    record = next(record for record in logs.read(bench.home, plugin="echo") if record.message == "structured")
    assert (record.level, record.source, record.fields) == ("WARNING", "plugin", {"answer": 42})


def test_the_end_of_the_network_broker_is_told_to_whom_it_served(bench: Bench) -> None:
    bench.install(permissions=["network.http"])
    bench.launcher.broker, broker = socket.socketpair()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        broker.close()
        while not any("network broker has ended" in message for message in bench.messages()):  # noqa: ASYNC110 (a file)
            await asyncio.sleep(0)
        assert one.describe("echo")["state"] == "running"

    bench.drive(scenario)
    bench.launcher.broker.close()


def test_a_call_while_stopping_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervisor, "KILL_WAIT_S", 1.0)
    mark = tmp_path / "in-start"
    bench.install(STUBBORN.format(mark=str(mark)), resources={"stop_timeout": 1})

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await until(mark.exists)
        stopping = asyncio.create_task(one.stop("echo"))
        await until(lambda: one.describe("echo")["state"] == "stopping")
        with pytest.raises(PluginError, match="stopping"):
            await one.call("echo", "anything", body={})
        await stopping

    bench.drive(scenario)


def test_a_start_and_a_reported_refusal_are_in_the_audit_log(bench: Bench) -> None:
    code = (
        HEAD
        + """
class Echo(ServicePlugin):
    @plugin_method
    def look(self):
        raise PermissionError(13, "Permission denied", "/etc/shadow")
"""
    )
    bench.install(code)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        with pytest.raises(CallError):
            await one.call("echo", "look", body={})

    bench.drive(scenario)
    lines = [(line["operation"], line["verdict"]) for line in audit.read(bench.home.audit, "echo")]
    assert lines == [("start", "allowed"), ("report", "denied")]


def test_a_plugin_is_not_started_when_that_cannot_be_written_down(bench: Bench) -> None:
    bench.install()
    bench.home.audit.rmdir()
    bench.home.audit.write_text("no folder")

    async def scenario(one: Supervisor) -> None:
        with pytest.raises(HostFault) as caught:
            await one.start("echo")
        assert caught.value.code == "MOP4310"
        assert bench.launcher.running() == 0

    bench.drive(scenario)
