"""The filter is run by an interpreter of classic BPF, so that every argument can be tried; one test asks the kernel."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import credentials, seccomp
from mobileops.runtime.isolation.namespaces import NEWNET, NEWNS, NEWUSER
from mobileops.runtime.isolation.syscalls import MACHINES

NUMBERS, ARCHITECTURE, HIGHEST = MACHINES["x86_64"]
CLONE_THREAD_FLAGS = 0x3D0F00
SIGCHLD = 17


def decide(number, *arguments, architecture=ARCHITECTURE, allow_execution=False):
    """Return what the filter answers: "allow", "kill" or an errno."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    code = seccomp.program("x86_64", allow_execution=allow_execution)
    position = accumulator = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == seccomp.AND:
            accumulator &= value
        elif operation == seccomp.RETURN:
            return {seccomp.ALLOW: "allow", seccomp.KILL_PROCESS: "kill"}.get(value, value & 0xFFFF)
        else:
            holds = {
                seccomp.JUMP_IF_EQUAL: accumulator == value,
                seccomp.JUMP_IF_GREATER: accumulator > value,
                seccomp.JUMP_IF_SET: bool(accumulator & value),
            }[operation]
            position += if_true if holds else if_false


def call(name, *arguments, **options):
    return decide(NUMBERS[name], *arguments, **options)


def test_ordinary_calls_are_allowed():
    assert {decide(number) for number in (0, 1, 9, 57, 202, 257, 318)} == {"allow"}


def test_another_architecture_is_killed():
    assert decide(1, architecture=0x40000003) == "kill"


@pytest.mark.parametrize("number", [HIGHEST + 1, 0x40000000 + 39, 0xFFFFFFFF])
def test_a_call_that_was_not_reviewed_does_not_exist(number):
    assert decide(number) == errno.ENOSYS


def test_the_highest_reviewed_call_is_decided_by_name():
    assert max(NUMBERS.values()) == HIGHEST
    assert decide(HIGHEST) == errno.EPERM


@pytest.mark.parametrize("name", ["ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "shmget", "personality"])
def test_what_only_administrators_and_debuggers_use_is_not_permitted(name):
    assert call(name) == errno.EPERM


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "memfd_create"])
def test_what_libraries_can_do_without_does_not_exist(name):
    assert call(name) == errno.ENOSYS


@pytest.mark.parametrize(
    "family", [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_VSOCK]
)
def test_no_socket_of_any_family(family):
    assert call("socket", family, socket.SOCK_STREAM) == errno.EACCES


@pytest.mark.parametrize("name", ["connect", "bind", "listen"])
def test_no_socket_is_given_an_address(name):
    assert call(name, 3) == errno.EACCES


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC])
def test_a_connected_pair_is_allowed(kind):
    assert call("socketpair", socket.AF_UNIX, kind) == "allow"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK])
def test_a_pair_that_could_name_another_socket_is_refused(kind):
    assert call("socketpair", socket.AF_UNIX, kind) == errno.EACCES


def test_a_pair_of_another_family_is_refused():
    assert call("socketpair", 30, socket.SOCK_STREAM) == errno.EACCES


@pytest.mark.parametrize("address", [0x1000, 0x7F0000000000])
def test_sending_to_an_address_is_refused_in_either_half(address):
    assert call("sendto", 3, 0, 0, 0, address) == errno.EACCES
    assert call("sendto", 3, 0, 0, 0, 0) == "allow"


@pytest.mark.parametrize(("name", "position"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_out_of_band_data_is_refused(name, position):
    arguments = [0] * 6
    arguments[position] = socket.MSG_OOB | socket.MSG_NOSIGNAL
    assert call(name, *arguments) == errno.EOPNOTSUPP


@pytest.mark.parametrize("flags", [NEWUSER, NEWNS | SIGCHLD, NEWNET | CLONE_THREAD_FLAGS])
def test_clone_makes_no_namespaces(flags):
    assert call("clone", flags) == errno.EPERM


@pytest.mark.parametrize("flags", [SIGCHLD, CLONE_THREAD_FLAGS])
def test_clone_makes_threads_and_processes(flags):
    assert call("clone", flags) == "allow"


@pytest.mark.parametrize("name", ["prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setattr"])
def test_scheduling_and_limits_of_others_are_out_of_reach(name):
    assert (call(name, 0), call(name, 77)) == ("allow", errno.EPERM)


@pytest.mark.parametrize(("name", "own"), [("setpriority", os.PRIO_PROCESS), ("ioprio_set", 1)])
def test_priorities_of_others_of_groups_and_of_users_are_out_of_reach(name, own):
    assert [call(name, own, 0), call(name, own, 77), call(name, own + 1, 0)] == ["allow", errno.EPERM, errno.EPERM]


@pytest.mark.parametrize("request_", [seccomp.TIOCSTI, seccomp.TIOCLINUX, seccomp.TIOCSTI | 1 << 32])
def test_nothing_is_typed_into_a_terminal(request_):
    assert call("ioctl", 0, request_) == errno.EPERM


def test_other_device_requests_are_allowed():
    assert call("ioctl", 0, 0x5401) == "allow"


@pytest.mark.parametrize("name", ["execve", "execveat"])
def test_programs_are_started_only_when_allowed(name):
    assert (call(name), call(name, allow_execution=True)) == (errno.EACCES, "allow")


def test_another_machine_is_refused_by_name():
    with pytest.raises(IsolationRefused, match="riscv64") as caught:
        seccomp.program("riscv64", allow_execution=False)
    assert caught.value.code == "MOP4001"


def test_the_kernel_takes_the_filter_and_obeys(in_child):
    def confined():
        credentials.forbid_new_privileges()
        seccomp.load(seccomp.compiled(os.uname().machine, allow_execution=False))
        socket.socketpair()
        socket.socket()

    assert in_child(confined) == ["PermissionError", errno.EACCES]


def test_the_kernel_says_that_it_has_filters():
    seccomp.check_available()
