"""The entry of a process that runs a plugin's tests inside its sandbox.

`inside.place` copies it beside the plugin's files; it imports nothing of the toolchain. The plugin and its tests are in
this one process, so the tests are as confined as the plugin is. What they tell is one JSON object over the channel:
``{"status", "report", "junit"}``, what `child` says and pytest's file, null unless it was asked for.

The assignment has ``arguments`` for pytest, ``generated``, whether the generated tests run too, and ``suite``, the name
in pytest's file, null for none.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

APP = "/app"
RUNNER = "mobileops_test_runner"
SUITES = "conformance"


def main(channel: socket.socket, assignment: Mapping[str, Any]) -> NoReturn:
    """Run the tests; the sandbox stands already."""
    site = Path(__file__).parent
    sys.path[:] = [path for path in sys.path if path != APP]  # the runner adds it once pytest is imported
    sys.path.append(str(site))
    runner = importlib.import_module(RUNNER)
    vars(importlib.import_module("mobileops.plugin.sandboxing"))["open_sandbox"] = no_second_sandbox
    scratch = Path(tempfile.mkdtemp(prefix="mobileops-"))
    report, junit = scratch / "report.json", scratch / "junit.xml"
    options: dict[str, Any] = {}
    if assignment["generated"]:
        options["suites"] = str(shutil.copytree(site / SUITES, scratch / "generated" / SUITES).parent)
    if assignment["suite"] is not None:
        options |= {"junit": str(junit), "suite": assignment["suite"]}
    (scratch / "work").mkdir()
    os.chdir(scratch / "work")
    status = int(runner.main(Path(APP), report, list(assignment["arguments"]), options))
    told = {
        "status": status,
        "report": json.loads(report.read_text(encoding="utf-8")),
        "junit": junit.read_text(encoding="utf-8") if junit.is_file() else None,
    }
    channel.sendall(json.dumps(told).encode())
    sys.exit(status)


def no_second_sandbox(*_arguments: object, **_named: object) -> NoReturn:
    """Skip a test that wants a process of its own for the plugin: there is no plugin manager in a sandbox.

    Raises:
        unittest.SkipTest: always; pytest knows it too.
    """
    message = "it asks for a process of the plugin's own (sandboxed=True), and runs in the plugin's sandbox itself"
    raise unittest.SkipTest(message)
