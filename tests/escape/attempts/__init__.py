"""Escape attempts; the entry point of the plugin that makes them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from attempts import brokered, checks, files, granted, inheritance, kernel, network, processes, resources, surroundings  # noqa: F401 (they register)
from attempts.registry import ATTEMPTS, CHECKS, Scene, outcome, refuse_privileges

ATTEMPT_TIMEOUT_S = 60


def main(channel, assignment) -> None:
    """Run attempts or checks inside the sandbox and send how they went."""
    refuse_privileges()
    places = (assignment.get("app", "/app"), os.environ["HOME"], os.environ["TMPDIR"], "/dev/shm")
    scene = Scene(*map(Path, places), assignment["targets"], channel.fileno())
    everything = {**ATTEMPTS, **CHECKS}
    if len(assignment["names"]) == 1:
        name = assignment["names"][0]
        channel.sendall(json.dumps({name: outcome(everything[name].run, scene)}).encode())
        return
    for name in assignment["names"]:  # in one sandbox, each in a process of its own
        child = os.fork()
        if child == 0:
            signal.alarm(ATTEMPT_TIMEOUT_S)
            channel.sendall(json.dumps({name: outcome(everything[name].run, scene)}).encode() + b"\n")
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:  # one that waits for ever was not refused
            code = os.waitstatus_to_exitcode(status)
            result = {"escaped": None if code == -signal.SIGALRM else False, "detail": f"ended with {code}"}
            channel.sendall(json.dumps({name: result}).encode() + b"\n")


def controls(directory: str, *names: str) -> None:
    """Run attempts outside, each in a process of its own, as the ordinary user who started this; print how it went."""
    refuse_privileges()
    base = Path(directory)
    targets = json.loads((base / "targets.json").read_text())
    scene = Scene(base / "app", base / "data", base / "tmp", Path("/dev/shm"), targets, 1, outside=True)
    for name in names:
        child = os.fork()
        if child == 0:
            signal.alarm(ATTEMPT_TIMEOUT_S)
            if ATTEMPTS[name].namespaces:
                surroundings.enter(scene)
            os.write(1, json.dumps({name: outcome(ATTEMPTS[name].run, scene)}).encode() + b"\n")
            os._exit(0)
        os.waitpid(child, 0)
