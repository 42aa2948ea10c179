"""Escape attempts; the entry point of the plugin that makes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from attempts import brokered, checks, files, inheritance, kernel, network, processes, resources  # noqa: F401 (they register)
from attempts.registry import ATTEMPTS, CHECKS, Scene, outcome, refuse_privileges


def main(channel, assignment) -> None:
    """Run one attempt or check inside the sandbox and send how it went."""
    refuse_privileges()
    scene = Scene(Path("/app"), Path("/data"), Path("/tmp"), Path("/dev/shm"), assignment["targets"], channel.fileno())
    registered = {**ATTEMPTS, **CHECKS}[assignment["name"]]
    channel.sendall(json.dumps(outcome(registered.run, scene)).encode())


def control(name: str, directory: str) -> None:
    """Run one attempt outside, as the ordinary user who started this, and print how it went."""
    refuse_privileges()
    base = Path(directory)
    targets = json.loads((base / "targets.json").read_text())
    scene = Scene(base / "app", base / "data", base / "tmp", Path("/dev/shm"), targets, 1)
    sys.stdout.write(json.dumps(outcome(ATTEMPTS[name].run, scene)))
