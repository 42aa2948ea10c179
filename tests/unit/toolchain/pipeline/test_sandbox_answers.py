"""`mobileops.toolchain.pipeline.sandbox`: what a plugin manager's answers are for a test."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from mobileops.errors import CallError, PluginError
from mobileops.runtime.home import Home
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.supervision.recovery import DID_NOT_START
from mobileops.toolchain.pipeline.sandbox import Bench, SandboxedRun

if TYPE_CHECKING:
    from pathlib import Path

STOPPED = {"state": "stopped", "cause": "asked to", "history": []}


class Desk:
    """In the place of a `Bench`: answers each verb as it was told to."""

    def __init__(self, root: Path, **answers: Any) -> None:
        self.app = root
        self.home = Home(root / "home").prepare()
        self.receipt = SimpleNamespace(name="echo", version="1.0.0")
        self.document = {"configuration_schema": {"key": {"secret": True}}}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def ask(self, verb: str, **body: Any) -> Any:
        self.asked.append((verb, body))
        answer = self._answers[verb]
        if isinstance(answer, Exception):
            raise answer
        return answer


def run_on(desk: Desk, **settings: Any) -> SandboxedRun:
    return SandboxedRun(cast("Bench", desk), settings)


@pytest.mark.parametrize(
    ("cause", "kind"),
    [("initialize() returned False", "initialize"), ("ValueError: no\nnot at all", "ValueError")],
)
def test_what_the_plugin_did_at_its_start_is_told_from_what_the_host_did(tmp_path: Path, cause: str, kind: str) -> None:
    error = PluginError(f"'echo' did not start: {cause}", code=DID_NOT_START)
    with pytest.raises(CallError) as caught:
        run_on(Desk(tmp_path, start=error)).start()
    assert (caught.value.remote_type, caught.value.what) == (kind, cause)


@pytest.mark.parametrize(
    "error",
    [PluginError("'echo' did not start: it was killed", code=DID_NOT_START), PluginError("it is gone", code="MOP5105")],
)
def test_a_start_that_fails_otherwise_is_the_same_error(tmp_path: Path, error: PluginError) -> None:
    with pytest.raises(PluginError) as caught:
        run_on(Desk(tmp_path, start=error)).start()
    assert caught.value is error


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({**STOPPED, "history": [{"cause": "stop() took too long, killed"}]}, "stop() took too long, killed"),
        ({**STOPPED, "state": "failed", "cause": "a hook refused"}, "a hook refused"),
    ],
)
def test_an_end_by_force_is_an_error(tmp_path: Path, state: dict[str, Any], said: str) -> None:
    with pytest.raises(PluginError, match="MOP2605") as caught:
        run_on(Desk(tmp_path, stop=state)).stop()
    assert caught.value.what.endswith(said)
    run_on(Desk(tmp_path, stop=STOPPED)).stop()


def test_an_error_that_crossed_the_control_socket_has_its_class_again(tmp_path: Path) -> None:
    error = CallError("KeyError: 'x'", code="MOP5010", remote_type="")
    del error.remote_type
    with pytest.raises(CallError) as caught:
        run_on(Desk(tmp_path, health=error)).health()
    assert caught.value.remote_type == "KeyError"
    assert run_on(Desk(tmp_path, health={"queue": 1})).health() == {"queue": 1}


@pytest.mark.parametrize(("pid", "verbs"), [(None, ["status"]), (4711, ["status", "stop"])])
def test_only_what_still_runs_is_ended(tmp_path: Path, pid: int | None, verbs: list[str]) -> None:
    desk = Desk(tmp_path, status=[{"pid": pid}], stop=STOPPED)
    run_on(desk).close()
    assert [verb for verb, _body in desk.asked] == verbs


def test_each_test_begins_with_its_settings_and_without_data(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.home.data / "echo").mkdir()
    run_on(desk, key="s3cret", level=3)
    assert SettingsFiles(desk.home).load("echo") == Stored({"level": 3}, {"key": "s3cret"})
    assert not (desk.home.data / "echo").exists()


def test_a_single_result_is_a_value_and_a_stream_an_iterator() -> None:
    frames = [SimpleNamespace(kind="item", body=1), SimpleNamespace(kind="item", body=2)]
    bench = Bench.__new__(Bench)
    bench._asking = threading.Lock()
    bench.receipt = cast("Any", SimpleNamespace(name="echo"))
    bench._client = cast("Any", SimpleNamespace(answers=lambda *_words, **_body: iter(frames)))
    assert list(bench.call("count", (), {})) == [1, 2]
