"""Attempts to find something that the plugin manager left behind."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from attempts.registry import Refused, Scene, attempt


@attempt()
def an_inherited_descriptor(scene: Scene) -> str:
    extra = []
    for entry in list(Path("/proc/self/fd").iterdir()):
        number = int(entry.name)
        try:
            target = entry.readlink()
        except OSError:
            continue  # the one that listed the directory
        if number not in (0, 1, 2, scene.channel) and not str(target).startswith("/memfd:arena"):
            extra.append(f"{number} is {target}")
    if not extra:
        raise Refused("only 0, 1, 2, the channel and the arena")
    return ", ".join(extra)


@attempt()
def an_inherited_environment(scene: Scene) -> str:
    return os.environ["MOBILEOPS_ESCAPE_SECRET"]


@attempt()
def an_environment_in_memory(scene: Scene) -> str:
    if b"MOBILEOPS_ESCAPE_SECRET" not in Path("/proc/self/environ").read_bytes():
        raise Refused("not there")
    return "there"


@attempt()
def an_inherited_signal_disposition(scene: Scene) -> str:
    """Python itself ignores SIGPIPE and SIGXFSZ; else all is as in a fresh process, whatever the manager ignores."""
    if scene.outside:
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    odd = [
        number.name
        for number in signal.valid_signals()
        if isinstance(number, signal.Signals)
        and number not in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)
        and signal.getsignal(number) is not signal.SIG_DFL
    ]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    if not odd and not blocked:
        raise Refused("all as by default")
    return f"{odd} {blocked}"


@attempt()
def the_group_of_processes_of_the_manager(scene: Scene) -> str:
    if os.getpgid(0) in {os.getpid(), os.getppid()}:  # its own, or of the plugin's first process
        raise Refused("a session of its own")
    return "shared"


@attempt(bare=False)
def the_name_of_the_host(scene: Scene) -> str:
    if socket.gethostname() != scene.targets["hostname"]:
        raise Refused("another name")
    return socket.gethostname()


@attempt()
def a_socket_of_the_zygote(scene: Scene) -> str:
    kept = socket.socketpair() if scene.outside else ()
    for number in range(256):
        if number in (0, 1, 2, scene.channel):
            continue
        try:
            return f"{number}: {socket.socket(fileno=os.dup(number))} {len(kept)}"
        except OSError:
            continue
    raise Refused("none")


@attempt(uncontrolled="test_kill shows it", bare=False, starts=1)
def outlive_the_manager_by_clearing_the_signal(scene: Scene) -> str:
    """Clearing the parent-death signal is allowed, and useless: `test_kill` proves it; here the namespace does."""
    if os.getpid() == 1:
        raise Refused("process 1 of a pid namespace, which dies with its parent namespace")
    return "not in a pid namespace"
