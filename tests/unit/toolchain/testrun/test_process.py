"""Running a command with a deadline and bounded output."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from mobileops.toolchain.testrun import process

SLEEPER = "import os, time; open('pid', 'w').write(str(os.getpid())); print('ready', flush=True); time.sleep(600)"
LEAVES_A_SLEEPER = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, '-S', '-c', {SLEEPER!r}], stdout=subprocess.PIPE)
child.stdout.readline()
"""


def run(folder: Path, script: str, *, timeout_s: float = 30.0) -> process.Ended:
    command = [sys.executable, "-I", "-S", "-c", script]
    return process.run(command, cwd=folder, env={}, timeout_s=timeout_s)


def ends(pid: int) -> bool:
    """Whether a process is gone, or goes within seconds."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 10.0)[0])
    finally:
        os.close(pidfd)


def test_both_streams_and_the_status_come_back(tmp_path: Path) -> None:
    script = "import os; os.write(1, b'out '); os.write(2, b'err'); raise SystemExit(3)"
    assert run(tmp_path, script) == process.Ended(returncode=3, output="out err", timed_out=False)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    run(tmp_path, "")
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_what_is_no_text_is_replaced(tmp_path: Path) -> None:
    assert run(tmp_path, r"import os; os.write(1, b'a\xffb')").output == "a\ufffdb"


def test_there_is_no_input_to_wait_for(tmp_path: Path) -> None:
    assert run(tmp_path, "import sys; print(repr(sys.stdin.read()), end='')").output == "''"


def test_a_flood_of_output_is_cut_in_the_middle(tmp_path: Path) -> None:
    size = 3 * process.MAX_OUTPUT_BYTES
    output = run(tmp_path, f"print('<' + 'x' * {size - 2} + '>', end='')").output
    assert output.startswith("<x")
    assert output.endswith("x>")
    assert f"… {size - process.MAX_OUTPUT_BYTES} bytes left out …" in output
    assert len(output) < process.MAX_OUTPUT_BYTES + 100


def test_output_of_exactly_the_limit_is_whole(tmp_path: Path) -> None:
    output = run(tmp_path, f"print('x' * {process.MAX_OUTPUT_BYTES}, end='')").output
    assert output == "x" * process.MAX_OUTPUT_BYTES


def test_a_command_that_hangs_is_killed_and_its_output_kept(tmp_path: Path) -> None:
    ended = run(tmp_path, SLEEPER, timeout_s=3.0)
    assert (ended.timed_out, ended.returncode, ended.output) == (True, -9, "ready\n")


def test_a_hanging_grandchild_is_killed_with_it(tmp_path: Path) -> None:
    ended = run(tmp_path, LEAVES_A_SLEEPER + "child.wait()", timeout_s=3.0)
    assert ended.timed_out
    assert ends(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_a_process_left_behind_is_killed_and_does_not_hold_the_result_up(tmp_path: Path) -> None:
    assert run(tmp_path, LEAVES_A_SLEEPER).returncode == 0
    assert ends(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_a_process_that_hides_in_a_session_of_its_own_does_not_hold_the_result_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "DRAIN_S", 0.2)
    script = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, '-S', '-c', {SLEEPER!r}], start_new_session=True)
while not __import__('os').path.exists('pid') or not open('pid').read():
    time.sleep(0.01)
"""
    try:
        assert run(tmp_path, script).returncode == 0
    finally:
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), signal.SIGKILL)


def test_a_command_that_does_not_exist_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.run([str(tmp_path / "none")], cwd=tmp_path, env={}, timeout_s=1.0)
