"""Escape attempts; the entry point of the plugin that makes them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from attempts import brokered, checks, files, inheritance, kernel, network, processes, resources  # noqa: F401 (they register)
from attempts.registry import ATTEMPTS, CHECKS, Scene, outcome, refuse_privileges


def main(channel, assignment) -> None:
    """Run attempts or checks inside the sandbox and send how they went."""
    refuse_privileges()
    places = (assignment.get("app", "/app"), os.environ["HOME"], os.environ["TMPDIR"], "/dev/shm")
    scene = Scene(*map(Path, places), assignment["targets"], channel.fileno())
    everything = {**ATTEMPTS, **CHECKS}
    if "names" not in assignment:
        channel.sendall(json.dumps(outcome(everything[assignment["name"]].run, scene)).encode())
        return
    for name in assignment["names"]:  # in one sandbox, each in a process of its own
        child = os.fork()
        if child == 0:
            channel.sendall(json.dumps({name: outcome(everything[name].run, scene)}).encode() + b"\n")
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:
            result = {"escaped": False, "errno": None, "detail": f"ended with {os.waitstatus_to_exitcode(status)}"}
            channel.sendall(json.dumps({name: result}).encode() + b"\n")


def control(name: str, directory: str) -> None:
    """Run one attempt outside, as the ordinary user who started this, and print how it went."""
    refuse_privileges()
    base = Path(directory)
    targets = json.loads((base / "targets.json").read_text())
    scene = Scene(base / "app", base / "data", base / "tmp", Path("/dev/shm"), targets, 1)
    sys.stdout.write(json.dumps(outcome(ATTEMPTS[name].run, scene)))
