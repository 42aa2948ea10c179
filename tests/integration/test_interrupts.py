"""Ctrl-C at every moment of a command's start, from the first line that is ours: an end, and no traceback."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Final

from tests.integration.conftest import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

MOMENTS: Final = 24
AT_ONCE: Final = 6
START: Final = CHECKOUT / "toolchain" / "start.py"
UNGUARDED: Final = "import site; site.main(); import sys; from mobileops.cli.main import main; sys.exit(main())"
DRIVER: Final = """
import sys, os
path, moment, seen = sys.argv[1], int(sys.argv[2]), -1

def look(event, args):
    global seen
    if seen >= 0 or (event == "exec" and args[0].co_filename == path):
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), 2)
        if moment < 0 and event == "told":
            os.write(2, b"moments: %d" % seen)

text = open(path).read()
sys.argv = [path, "list", "--json"]
sys.addaudithook(look)
try:
    exec(compile(text, path, "exec"), {"__name__": "__main__"})
finally:
    sys.audit("told")
"""
"""Runs a file, and sends itself SIGINT at one of the audit events (sys.addaudithook) that come from then on."""


def start(python: Path, script: Path, moment: int, *, home: Path) -> subprocess.Popen[str]:
    command = [python, "-S", "-c", DRIVER, script, str(moment)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "MOBILEOPS_HOME": str(home / "home")}
    return subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ends(python: Path, script: Path, moments: list[int], *, home: Path) -> list[tuple[int, str]]:
    """Return the exit code and the error output of a command that was interrupted, for each moment."""
    found = []
    for first in range(0, len(moments), AT_ONCE):
        processes = [start(python, script, moment, home=home) for moment in moments[first : first + AT_ONCE]]
        for process in processes:
            _out, errors = process.communicate(timeout=60)
            found.append((process.returncode, errors))
    return found


def spread(python: Path, script: Path, home: Path) -> list[int]:
    """Return moments from the first to the last that the script has, without the one before its first line."""
    [(code, errors)] = ends(python, script, [-1], home=home)
    assert code == 0, errors
    last = int(errors.rpartition("moments: ")[2])
    assert last > MOMENTS
    return [1 + number * (last - 1) // (MOMENTS - 1) for number in range(MOMENTS)]


def test_a_command_that_is_interrupted_while_it_starts_ends_without_a_traceback(product: Path, tmp_path: Path) -> None:
    found = ends(product, START, spread(product, START, tmp_path), home=tmp_path)
    assert [errors for _code, errors in found if "Traceback" in errors] == []
    assert {-signal.SIGINT, 130} <= {code for code, _errors in found} <= {-signal.SIGINT, 130, 0}


def test_without_the_care_that_is_taken_there_would_be_one(product: Path, tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    found = ends(product, script, spread(product, script, tmp_path)[:4], home=tmp_path)
    assert any("Traceback" in errors for _code, errors in found)
