"""Attempts to reach parts of the kernel that have no business with a plugin."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import subprocess
import time
from pathlib import Path

from attempts.registry import Refused, Scene, attempt, libc, syscall

NEWUSER = 0x10000000


class CloneArguments(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ["flags", "pidfd", "child", "parent", "signal", "stack", "size", "tls"]
    )


@attempt(optional=True)
def an_io_uring(scene: Scene) -> str:
    parameters = ctypes.create_string_buffer(120)
    return f"ring {syscall(425, 1, parameters)}"


@attempt()
def a_user_namespace(scene: Scene) -> str:
    syscall(272, NEWUSER)
    return "made"


@attempt()
def a_user_namespace_by_clone(scene: Scene) -> str:
    child = libc.syscall(ctypes.c_long(56), ctypes.c_long(NEWUSER | 17), None, None, None, None)
    if child == 0:
        libc._exit(0)
    if child < 0:
        raise OSError(ctypes.get_errno(), "clone")
    os.waitpid(child, 0)
    return f"process {child}"


@attempt()
def a_user_namespace_by_clone3(scene: Scene) -> str:
    arguments = CloneArguments(flags=NEWUSER, signal=17)
    child = libc.syscall(ctypes.c_long(435), ctypes.byref(arguments), ctypes.c_long(64))
    if child == 0:
        libc._exit(0)
    if child < 0:
        raise OSError(ctypes.get_errno(), "clone3")
    os.waitpid(child, 0)
    return f"process {child}"


@attempt(optional=True)
def a_bpf_map(scene: Scene) -> str:
    attributes = (ctypes.c_uint32 * 18)(2, 4, 8, 1)
    return f"map {syscall(321, 0, attributes, 72)}"


@attempt(optional=True)
def a_performance_counter(scene: Scene) -> str:
    attributes = (ctypes.c_uint32 * 32)(1, 128, 0)
    attributes[10] = 0x60  # exclude kernel and hypervisor
    return f"counter {syscall(298, attributes, 0, -1, -1, 0)}"


@attempt(optional=True)
def a_userfaultfd(scene: Scene) -> str:
    return f"descriptor {syscall(323, os.O_CLOEXEC | 1)}"


@attempt()
def a_changed_personality(scene: Scene) -> str:
    before = syscall(135, 0xFFFFFFFF)
    syscall(135, before | 0x0040000)
    return f"address randomisation off, was {before:#x}"


@attempt()
def a_memory_file(scene: Scene) -> str:
    return f"descriptor {os.memfd_create('escape')}"


@attempt(optional=True)
def a_secret_memory_file(scene: Scene) -> str:
    return f"descriptor {syscall(447, 0)}"


@attempt()
def a_file_handle(scene: Scene) -> str:
    handle = (ctypes.c_uint32 * 34)(128)
    mount = ctypes.c_int()
    syscall(303, -100, str(scene.app).encode(), handle, ctypes.byref(mount), 0)
    return f"handle of type {handle[1]}"


@attempt(uncontrolled="only the host's root may")
def open_by_handle(scene: Scene) -> str:
    handle = (ctypes.c_uint32 * 4)(8, 1, 2, 0)
    return f"descriptor {syscall(304, -100, handle, os.O_RDONLY)}"


@attempt()
def a_mount_tree(scene: Scene) -> str:
    return f"descriptor {syscall(428, -100, b'/usr', 0)}"


@attempt(namespaces=True)
def a_mount(scene: Scene) -> str:
    syscall(165, b"tmpfs", str(scene.tmp).encode(), b"tmpfs", 0, None)
    return "mounted"


@attempt(namespaces=True)
def a_new_style_mount(scene: Scene) -> str:
    return f"descriptor {syscall(430, b'tmpfs', 0)}"


@attempt(namespaces=True)
def a_writable_app(scene: Scene) -> str:
    syscall(165, None, str(scene.app).encode(), None, 32 | 4096, None)
    return "remounted"


@attempt(namespaces=True)
def another_root(scene: Scene) -> str:
    os.chroot(scene.tmp)
    return "changed"


@attempt(namespaces=True)
def enter_a_namespace_of_the_host(scene: Scene) -> str:
    """Outside it is another network namespace of the control's own: nobody but root may enter the host's."""
    pid, kind = scene.targets["pid"], "mnt"
    if scene.outside:
        pid, kind = another_network(), "net"
    with Path("/proc", str(pid), "ns", kind).open() as namespace:
        syscall(308, namespace.fileno(), 0)
    return "entered"


def another_network() -> int:
    """Return a process in a network namespace of its own; it ends with the one that asked."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        libc.prctl(1, ctypes.c_long(9), 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL
        syscall(272, 0x40000000)
        os.write(write_end, b"r")
        while True:
            os.read(read_end, 0)
            time.sleep(60)
    os.read(read_end, 1)
    return child


@attempt(uncontrolled="only the host's root may")
def a_parent_user_namespace(scene: Scene) -> str:
    with Path("/proc/self/ns/user").open() as namespace:
        parent = fcntl.ioctl(namespace, 0xB702)  # NS_GET_PARENT
        syscall(308, parent, 0)
    return "entered"


@attempt(optional=True)
def calls_of_the_x32_interface(scene: Scene) -> str:
    return f"process {syscall(0x40000000 + 39)}"


@attempt(optional=True)
def a_call_that_nobody_has_reviewed(scene: Scene) -> str:
    """Number 468 and above: whatever a newer kernel has there, the filter answers before the kernel does."""
    try:
        syscall(468, -1, 0, 0, 0, 0)
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise
        return f"the kernel answered {error}"
    return "the kernel answered"


@attempt(uncontrolled="only the host's root may")
def a_kernel_module(scene: Scene) -> str:
    syscall(175, b"", 0, b"")
    return "loaded"


@attempt(optional=True)
def the_kernel_log(scene: Scene) -> str:
    return str(syscall(103, 3, ctypes.create_string_buffer(16), 16))


@attempt(namespaces=True)
def another_host_name(scene: Scene) -> str:
    syscall(170, b"escaped", 7)
    return "changed"


@attempt()
def another_program(scene: Scene) -> str:
    return subprocess.run(["/usr/bin/id", "-u"], capture_output=True, check=True, text=True).stdout


@attempt()
def another_program_without_fork(scene: Scene) -> str:
    child = os.fork()
    if child == 0:
        try:
            os.execv("/usr/bin/true", ["true"])  # noqa: S606 (the attempt itself)  # noqa: S606 (the attempt)
        except OSError as error:
            os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, os.strerror(status))
    return "executed"


@attempt(execution=True)
def a_program_of_its_own_making(scene: Scene) -> str:
    """Even with the permission to start programs: those of the system and of the bundle, not what it wrote itself."""
    program = scene.data / "program"
    program.write_text("#!/bin/sh\necho out\n")
    program.chmod(0o700)
    return subprocess.run([program], capture_output=True, check=True, text=True).stdout


@attempt(uncontrolled="it asks for a password", execution=True)
def gain_by_a_set_user_id_program(scene: Scene) -> str:
    output = subprocess.run(["/usr/bin/su", "-c", "id -u"], capture_output=True, check=False, text=True, stdin=-3)
    if output.stdout.strip() != "0":
        raise Refused(output.stderr.strip())
    return "root"


@attempt(bare=False)
def privileges_that_could_come_back(scene: Scene) -> str:
    status = Path("/proc/self/status").read_text()
    values = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    empty = all(not int(values[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    if empty and values["NoNewPrivs"] == "1" and values["Seccomp"] == "2":
        raise Refused("none")
    return "some"
