from __future__ import annotations

import datetime as dt
import json
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mobileops.runtime import audit


@pytest.fixture
def log(tmp_path):
    opened = audit.AuditLog("clock", "broker", descriptors=audit.open_files(tmp_path, "clock", "broker"), limit=2000)
    yield opened
    opened.close()


def _connect(log, port=443, *, allowed=True):
    permission = "network.http" if allowed else None
    log.record("connect", f"tcp 192.0.2.1:{port}", allowed=allowed, permission=permission, reason="granted")


def _descriptors():
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_decision_is_one_line_with_the_fields_of_the_format(tmp_path, log):
    _connect(log)
    (line,) = (tmp_path / "clock.broker.jsonl").read_text().splitlines()
    assert set(json.loads(line)) == {
        "time", "plugin", "source", "operation", "target", "verdict", "permission", "reason", "name",
    }  # fmt: skip
    assert list(audit.read(tmp_path, "clock")) == [json.loads(line)]


def test_the_files_are_the_account_s_alone(tmp_path, log):
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_counts_are_complete_after_the_lines_were_dropped(tmp_path, log):
    for port in range(100):
        _connect(log, port, allowed=port % 2 == 0)
    counts = audit.counts(tmp_path, "clock")
    assert counts.of == {("allowed", "connect", "network.http"): 50, ("denied", "connect", ""): 50}
    assert len(list(audit.read(tmp_path, "clock"))) < 100


def test_a_file_stays_below_its_limit(tmp_path, log):
    for _ in range(100):
        _connect(log)
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_counting_goes_on_after_a_restart(tmp_path, log):
    for _ in range(50):
        _connect(log)
    first = audit.counts(tmp_path, "clock").since
    again = audit.AuditLog("clock", "broker", descriptors=audit.open_files(tmp_path, "clock", "broker"), limit=2000)
    for _ in range(50):
        _connect(again)
    again.close()
    assert audit.counts(tmp_path, "clock") == audit.Counts(first, {("allowed", "connect", "network.http"): 100})


def test_both_sources_are_read_and_counted(tmp_path, log):
    _connect(log)
    manager = audit.AuditLog("clock", "manager", descriptors=audit.open_files(tmp_path, "clock", "manager"))
    manager.record("message", "other", allowed=False, permission=None, reason="not declared")
    manager.close()
    assert [line["source"] for line in audit.read(tmp_path, "clock")] == ["broker", "manager"]
    assert len(audit.counts(tmp_path, "clock").of) == 2


def test_a_plugin_cannot_grow_the_totals(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MAX_TOTALS", 3)
    log = audit.AuditLog("clock", "manager", descriptors=audit.open_files(tmp_path, "clock", "manager"))
    for number in range(10):
        log.record("message", "x", allowed=False, permission=f"plugin.communicate:p{number}", reason="not declared")
    log.close()
    assert audit.counts(tmp_path, "clock").of["denied", audit.OTHERS, ""] == 7


def test_a_long_target_is_cut(tmp_path, log):
    log.record("resolve", "x" * 5000, allowed=False, permission=None, reason="no", name="y" * 5000)
    (line,) = audit.read(tmp_path, "clock")
    assert len(line["target"]) == len(line["name"]) == audit.MAX_TEXT


def test_a_text_of_any_kind_is_one_line_of_json(tmp_path, log):
    target = 'a"b\\c\nd\u2028\U0001f600e\x00'
    log.record("resolve", target, allowed=False, permission=None, reason="\t", name="n")
    (line,) = audit.read(tmp_path, "clock")
    assert (line["target"], line["permission"], line["reason"], line["name"]) == (target, None, "\t", "n")
    assert dt.datetime.fromisoformat(line["time"]).tzinfo is dt.UTC


def test_the_last_line_of_a_crash_is_passed_over(tmp_path, log):
    _connect(log)
    with (tmp_path / "clock.broker.jsonl").open("ab") as stream:
        stream.write(b'{"time": "2026-')
    assert len(list(audit.read(tmp_path, "clock"))) == 1


def test_totals_that_somebody_else_wrote_are_passed_over(tmp_path, log):
    (tmp_path / "clock.broker.jsonl").write_text('{"totals": {"x": 1, "denied connect ": "many"}}\n[1]\n')
    assert audit.counts(tmp_path, "clock") == audit.Counts(None, {})


def test_threads_do_not_mix_their_lines(tmp_path):
    log = audit.AuditLog("clock", "broker", descriptors=audit.open_files(tmp_path, "clock", "broker"))
    threads = [threading.Thread(target=lambda: [_connect(log) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert audit.counts(tmp_path, "clock").of == {("allowed", "connect", "network.http"): 800}


def test_a_plugin_without_decisions_has_none(tmp_path):
    assert list(audit.read(tmp_path, "clock")) == []
    assert audit.counts(tmp_path, "clock") == audit.Counts(None, {})


def test_a_planted_link_is_not_followed(tmp_path):
    (tmp_path / "clock.broker.jsonl.1").symlink_to(tmp_path / "elsewhere")
    before = _descriptors()
    with pytest.raises(OSError, match="symbolic"):
        audit.open_files(tmp_path, "clock", "broker")
    assert _descriptors() == before
    assert not (tmp_path / "elsewhere").exists()


def test_the_broker_can_import_it_without_site_packages():
    folder = Path(audit.__file__).parents[2]
    program = f"import sys; sys.path.append({str(folder)!r}); import mobileops.runtime.audit"
    assert subprocess.run([sys.executable, "-I", "-S", "-c", program], check=False).returncode == 0
