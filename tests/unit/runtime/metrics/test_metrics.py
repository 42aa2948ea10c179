"""`mobileops.runtime.metrics`: samples, what is made of two of them, and OpenMetrics."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from mobileops.errors import HostFault, UsageError
from mobileops.runtime import audit
from mobileops.runtime.instances import consumption
from mobileops.runtime.metrics import settings
from mobileops.runtime.metrics.denials import Denials
from mobileops.runtime.metrics.openmetrics import render
from mobileops.runtime.metrics.rates import between, merged
from mobileops.runtime.metrics.usage import SHARED_S, SLOW_S, Usage
from tests.fakes.bench import Bench, until

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.supervision.supervisor import Supervisor

CRASHING = """
    import os
    from mobileops.plugin import ServicePlugin, plugin_method

    class Crashing(ServicePlugin):
        @plugin_method
        def crash(self):
            os._exit(3)
"""


def row(name: str = "echo", **changed: Any) -> dict[str, Any]:
    base = {"name": name, "version": "1.0.0", "type": "service", "state": "running", "since": "s", "pid": 7}
    base |= {"cpu_s": 1.0, "memory_bytes": 5, "memory_limit_bytes": 9, "open_files": 4, "processes": 1, "restarts": 0}
    return (
        base | {"calls": 0, "errors": 0, "in_flight": 0, "durations": {}, "call_seconds": 0.0, "denials": 0} | changed
    )


def sample(*rows: dict[str, Any], clock_s: float = 0.0) -> dict[str, Any]:
    return {"time_s": 0.0, "clock_s": clock_s, "plugins": list(rows)}


def test_a_plugin_that_runs_is_sampled(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.install()

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        await one.call("echo", "echo", body={"args": ["x"], "kwargs": {}})
        with pytest.raises(Exception, match="as asked"):
            await one.call("echo", "fail", body={"args": [], "kwargs": {}})
        (found,) = one.metrics.sample()["plugins"]
        assert (found["calls"], found["errors"], found["in_flight"], found["state"]) == (2, 1, 0, "running")
        assert sum(found["durations"].values()) == 2
        assert found["memory_bytes"] > 1 << 20
        assert found["processes"] >= 1
        assert found["open_files"] > 2
        (state,) = [one.describe("echo")]
        assert found["pid"] == state["pid"]
        await one.stop("echo")
        (found,) = one.metrics.sample()["plugins"]
        assert (found["state"], found["pid"], found["memory_bytes"], found["calls"]) == ("stopped", None, 0, 2)

    bench.drive(scenario)


def test_restarts_after_crashes_are_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.install(CRASHING)

    async def scenario(one: Supervisor) -> None:
        await one.start("echo")
        (before,) = one.metrics.sample()["plugins"]
        with pytest.raises(Exception, match="ended"):
            await one.call("echo", "crash", body={"args": [], "kwargs": {}})
        await until(lambda: one.metrics.sample()["plugins"][0]["restarts"] == 1)
        await until(lambda: one.describe("echo")["state"] == "running")
        (after,) = one.metrics.sample()["plugins"]
        assert before["pid"] != after["pid"]
        assert after["errors"] == 1

    bench.drive(scenario)


def test_what_processes_use_is_added_up() -> None:
    code = "import subprocess, sys; print(1, flush=True); subprocess.run(['cat']); x = 0\nwhile x < 10**9: x += 1"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        usage = Usage(process.pid)
        now_s = 0.0
        while usage.look(now_s).processes < 2:
            now_s += SLOW_S
        before = usage.look(now_s)
        process.stdin.close()
        while usage.look(now_s).cpu_s < before.cpu_s + 0.05:
            now_s += SLOW_S
        assert usage.look(now_s + SLOW_S).processes == 1
        process.kill()
    gone = usage.look(now_s + 3 * SLOW_S)
    assert (gone.memory_bytes, gone.processes) == (0, 1)
    assert gone.open_files is None


def test_what_is_shared_is_read_again_when_another_amount_is_held_or_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, asked = [0], []
    monkeypatch.setattr(consumption, "descendants", lambda pid: [pid])
    monkeypatch.setattr(consumption, "resident", lambda _pid: held[0])
    monkeypatch.setattr(consumption, "proportional", lambda pid: asked.append(pid) or held[0] // 2)
    usage, found = Usage(os.getpid()), []
    for now_s, held[0] in ((0, 100), (SLOW_S, 100), (2 * SLOW_S, 200), (3 * SLOW_S, 200), (3 * SLOW_S + SHARED_S, 200)):
        found.append((usage.look(now_s).memory_bytes, len(asked)))
    assert found == [(50, 1), (50, 1), (100, 2), (100, 2), (100, 3)]


def test_open_files_are_counted_where_that_may_be_asked(tmp_path: Path) -> None:
    usage = Usage(os.getpid())
    before = usage.look().open_files
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert usage.look().open_files == before + 2


def denied(log: audit.AuditLog, times: int, *, allowed: bool = False) -> None:
    for _ in range(times):
        log.record("connect", "x", allowed=allowed, permission=None, reason="r")


def test_denials_are_counted_as_they_come_and_through_a_rotation(tmp_path: Path) -> None:
    counting = Denials(tmp_path, "echo")
    assert counting.count() == 0
    log = audit.AuditLog("echo", "broker", descriptors=audit.open_files(tmp_path, "echo", "broker"), limit=4000)
    other = audit.AuditLog("echo", "manager", descriptors=audit.open_files(tmp_path, "echo", "manager"))
    total = 0
    for _ in range(30):
        denied(log, 2)
        denied(log, 1, allowed=True)
        denied(other, 1)
        total += 3
        assert counting.count() == total
    assert (tmp_path / "echo.broker.jsonl.1").stat().st_size > 0
    assert Denials(tmp_path, "echo").count() == total
    log.close()
    other.close()
    for path in tmp_path.iterdir():
        path.unlink()
    assert counting.count() == 0


def test_half_a_line_is_counted_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "echo.manager.jsonl"
    counting = Denials(tmp_path, "echo")
    path.write_text('{"verdict": "denied"}\n{"verdict": "den')
    assert counting.count() == 1
    with path.open("a") as stream:
        stream.write('ied"}\n')
    assert counting.count() == 2
    path.write_text("no json\n")
    assert counting.count() == 0


def test_rates_are_of_the_time_between_two_samples() -> None:
    before = sample(row(cpu_s=1.0, calls=10, errors=1, durations={40: 10}), clock_s=100.0)
    after = sample(row(cpu_s=1.5, calls=30, errors=3, durations={40: 10, 48: 20}), clock_s=102.0)
    (found,) = between(before, after)["plugins"]
    assert (found["cpu_percent"], found["calls_per_s"], found["errors_per_s"]) == (25.0, 10.0, 1.0)
    assert found["p50_s"] == found["p99_s"] == pytest.approx(2 ** (48.5 / 4) / 1e6)


def test_a_plugin_that_is_new_or_begins_anew_counts_from_nothing() -> None:
    (new,) = between(sample(), sample(row(calls=5), clock_s=1.0))["plugins"]
    assert (new["cpu_percent"], new["calls_per_s"]) == (None, 0.0)
    before = sample(row(cpu_s=9.0, calls=9, durations={1: 9}))
    (again,) = between(before, sample(row(cpu_s=0.5, calls=2, durations={1: 2}, pid=8), clock_s=1.0))["plugins"]
    assert (again["cpu_percent"], again["calls_per_s"]) == (50.0, 2.0)
    assert again["p50_s"] is not None


def test_installed_plugins_have_a_row_too() -> None:
    rows = merged([row("b")], {"a": "2.0.0", "b": "1.0.0"})
    assert [(one["name"], one["state"]) for one in rows] == [("a", "stopped"), ("b", "running")]


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_text_is_openmetrics_as_an_independent_parser_reads_it() -> None:
    hostile = row('q"uote\\back\nline', open_files=None, calls=30, durations={0: 10, 40: 15, 128: 5}, call_seconds=2.5)
    found = families(render(sample(row(denials=3, restarts=2), hostile)))
    assert {one.name for one in found.values()} >= {
        "mobileops_plugin",
        "mobileops_plugin_state",
        "mobileops_manager_up",
    }
    restarts = {one.labels["plugin"]: one.value for one in found["mobileops_plugin_restarts"].samples}
    assert restarts == {"echo": 2, 'q"uote\\back\nline': 0}
    assert len(found["mobileops_plugin_open_files"].samples) == 1
    histogram = found["mobileops_plugin_call_duration_seconds"]
    buckets = [
        one.value for one in histogram.samples if one.labels.get("plugin") != "echo" and one.name.endswith("bucket")
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 30
    states = [one for one in found["mobileops_plugin_state"].samples if one.labels["plugin"] == "echo"]
    assert sum(one.value for one in states) == 1


@pytest.mark.parametrize("nothing", [None, sample()])
def test_the_text_of_nothing_is_openmetrics_too(nothing: Any) -> None:
    assert families(render(nothing))["mobileops_manager_up"].samples[0].value == (nothing is not None)


def test_the_parser_does_find_mistakes() -> None:
    text = render(sample(row()))
    with pytest.raises(ValueError, match="EOF"):
        families(text.removesuffix("# EOF\n"))
    with pytest.raises(ValueError, match=r"Clashing|Invalid"):
        families(text.replace("mobileops_plugin_calls_total{", "mobileops_plugin_calls{"))


def test_where_metrics_are_served_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert settings.load(path) is None
    for listen in ("unix", "127.0.0.1:9464", "[::1]:9464"):
        settings.save(path, listen)
        assert settings.load(path) == listen
    settings.save(path, None)
    assert not path.exists()


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:80", "10.0.0.1:80", "localhost:80", "127.0.0.1", "127.0.0.1:0", "::1:x", ""]
)
def test_other_machines_are_never_served(tmp_path: Path, listen: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.save(tmp_path / "metrics.json", listen)
    assert caught.value.code == "MOP5503"
    (tmp_path / "metrics.json").write_text(f'{{"version": 1, "listen": "{listen}"}}')
    with pytest.raises(HostFault) as refused:
        settings.load(tmp_path / "metrics.json")
    assert refused.value.code == "MOP5502"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"version": 2, "listen": "unix"}', '{"version": 1, "listen": "unix", "a": 1}']
)
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(HostFault):
        settings.load(tmp_path / "metrics.json")
