"""Attempts on other processes and on shared memory, queues and keys; the victim is the test's own process."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import termios
import time
from pathlib import Path

from attempts.registry import Refused, Scene, attempt, libc, syscall

PTRACE_ATTACH, PTRACE_DETACH = 16, 17


class Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


@attempt()
def signal_a_process_of_the_host(scene: Scene) -> str:
    os.kill(scene.targets["pid"], 0)
    return "it can be signalled"


@attempt(bare=False)
def see_every_process_by_signal(scene: Scene) -> str:
    os.kill(-1, 0)
    return "somebody is there"


@attempt()
def signal_through_a_descriptor(scene: Scene) -> str:
    signal.pidfd_send_signal(os.pidfd_open(scene.targets["pid"]), 0)
    return "it can be signalled"


@attempt()
def list_processes_of_the_host(scene: Scene) -> str:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and scene.targets["marker"] in (entry / "cmdline").read_bytes().decode():
            return f"process {entry.name}"
    raise Refused("not listed")


@attempt()
def read_an_environment_of_the_host(scene: Scene) -> str:
    return f"{len(Path('/proc', str(scene.targets['pid']), 'environ').read_bytes())} bytes"


@attempt()
def reach_the_host_through_its_root(scene: Scene) -> str:
    return str(list(Path("/proc", str(scene.targets["pid"]), "root", "etc").iterdir())[:1])


@attempt()
def attach_as_a_debugger(scene: Scene) -> str:
    pid = scene.targets["pid"]
    syscall(101, PTRACE_ATTACH, pid, 0, 0)
    os.waitpid(pid, 0x40000000)
    syscall(101, PTRACE_DETACH, pid, 0, 0)
    return "attached"


@attempt()
def read_memory_of_the_host(scene: Scene) -> str:
    buffer = ctypes.create_string_buffer(16)
    local = Vector(ctypes.addressof(buffer), 16)
    remote = Vector(scene.targets["address"], 16)
    syscall(310, scene.targets["pid"], ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    return repr(buffer.raw)


@attempt()
def take_a_descriptor_of_the_host(scene: Scene) -> str:
    return f"descriptor {syscall(438, os.pidfd_open(scene.targets['pid']), 0, 0)}"


@attempt(optional=True)
def compare_with_a_process_of_the_host(scene: Scene) -> str:
    return str(syscall(312, os.getpid(), scene.targets["pid"], 1, 0, 0))


@attempt()
def limit_a_process_of_the_host(scene: Scene) -> str:
    return str(resource.prlimit(scene.targets["pid"], resource.RLIMIT_CPU))


@attempt()
def renice_a_process_of_the_host(scene: Scene) -> str:
    pid = scene.targets["pid"]
    os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid))
    return "reniced"


@attempt()
def pin_a_process_of_the_host(scene: Scene) -> str:
    pid = scene.targets["pid"]
    os.sched_setaffinity(pid, os.sched_getaffinity(pid))
    return "pinned"


@attempt()
def renice_all_processes_of_the_user(scene: Scene) -> str:
    os.setpriority(os.PRIO_USER, 0, os.getpriority(os.PRIO_USER, 0))
    return "reniced"


@attempt(uncontrolled="only the host's root may")
def realtime_priority(scene: Scene) -> str:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "realtime"


@attempt(uncontrolled="only the host's root may")
def negative_niceness(scene: Scene) -> str:
    return str(os.nice(-1))


@attempt()
def attach_shared_memory_of_the_host(scene: Scene) -> str:
    return f"attached at {syscall(30, scene.targets['shmid'], 0, 0o10000):#x}"


@attempt()
def make_system_v_shared_memory(scene: Scene) -> str:
    identifier = syscall(29, 0, 4096, 0o1600)
    syscall(31, identifier, 0, 0)
    return "made and removed"


@attempt()
def make_a_system_v_queue(scene: Scene) -> str:
    identifier = syscall(68, 0, 0o1600)
    syscall(71, identifier, 0, 0)
    return "made and removed"


@attempt()
def open_a_message_queue_of_the_host(scene: Scene) -> str:
    return f"queue {syscall(240, scene.targets['queue'].encode(), os.O_RDONLY, 0, 0)}"


@attempt()
def read_posix_shared_memory_of_the_host(scene: Scene) -> str:
    return Path("/dev/shm", scene.targets["shm"]).read_text()


@attempt(optional=True)
def add_a_kernel_key(scene: Scene) -> str:
    return f"key {syscall(248, b'user', b'mobileops-escape', b'x', 1, -1)}"  # into the thread keyring, which dies


@attempt(optional=True)
def join_a_session_keyring(scene: Scene) -> str:
    return f"keyring {syscall(250, 0, -3, 0)}"


@attempt()
def a_terminal_of_the_host(scene: Scene) -> str:
    if scene.outside:
        os.setsid()
        fcntl.ioctl(os.openpty()[1], termios.TIOCSCTTY, 0)
    return f"descriptor {os.open('/dev/tty', os.O_RDWR)}"


@attempt(starts=1)
def leave_the_tree_that_is_measured(_scene: Scene) -> str:
    """An orphan goes to the plugin's first process, which cannot refuse it; else nobody would count what it uses."""
    libc.prctl(36, ctypes.c_long(0), 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    first, (read_end, write_end) = os.getpid(), os.pipe()
    child = os.fork()
    if child == 0:
        between = os.getpid()
        if os.fork() == 0:
            while os.getppid() == between:
                time.sleep(0.001)
            os.write(write_end, str(os.getppid()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    parent = int(os.read(read_end, 16))
    if parent == first:
        raise Refused("it has become a child of the first process")
    return f"a child of {parent}"


@attempt()
def type_into_a_terminal(scene: Scene) -> str:
    primary, secondary = os.openpty()
    os.setsid() if os.getsid(0) != os.getpid() else None
    number = ctypes.c_char(b"x")
    libc.ioctl(secondary, 0x540E, 0)
    if libc.ioctl(secondary, 0x5412, ctypes.byref(number)) < 0:
        raise OSError(ctypes.get_errno(), "TIOCSTI")
    return f"typed into {primary}"
