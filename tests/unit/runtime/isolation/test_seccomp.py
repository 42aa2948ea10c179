"""The filter is run by an interpreter of classic BPF, so that every argument can be tried; one test asks the kernel."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import bpf, credentials, seccomp
from mobileops.runtime.isolation.namespaces import NEWNET, NEWNS, NEWUSER
from mobileops.runtime.isolation.syscall_numbers import MACHINES

CLONE_THREAD_FLAGS = 0x3D0F00
SIGCHLD = 17
NEVER_ON_AARCH64 = {
    "_sysctl", "create_module", "get_kernel_syms", "ioperm", "iopl", "modify_ldt", "query_module", "sysfs", "uselib",
    "ustat",
}  # fmt: skip
OTHER_ARCHITECTURES = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # i386 and 32-bit Arm


@pytest.fixture(params=sorted(MACHINES))
def machine(request):
    """Every machine with a table; its filter can be interpreted on any."""
    return Interpreted(request.param)


class Interpreted:
    """The filter of one machine."""

    def __init__(self, name):
        self.name = name
        self.numbers, self.architecture, self.highest = MACHINES[name]

    def decide(self, number, *arguments, architecture=None, **openings):
        """Return what the filter answers: "allow", "kill" or an errno."""
        padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
        data = struct.pack("=IIQ6Q", number, architecture or self.architecture, 0, *padded)
        return interpret(seccomp.program(self.name, seccomp.Openings(**openings)), data)

    def __call__(self, name, *arguments, **openings):
        return self.decide(self.numbers[name], *arguments, **openings)


def interpret(code, data):
    position = accumulator = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == bpf.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == bpf.AND:
            accumulator &= value
        elif operation == bpf.RETURN:
            words = {bpf.ALLOW: "allow", bpf.KILL_PROCESS: "kill", bpf.USER_NOTIFY: "ask"}
            return words.get(value, value & 0xFFFF)
        else:
            holds = {
                bpf.JUMP_IF_EQUAL: accumulator == value,
                bpf.JUMP_IF_GREATER: accumulator > value,
                bpf.JUMP_IF_SET: bool(accumulator & value),
            }[operation]
            position += if_true if holds else if_false


def test_ordinary_calls_are_allowed(machine):
    names = ("read", "write", "mmap", "futex", "openat", "getrandom", "exit_group", "wait4", "pidfd_open")
    assert {machine(name) for name in names} == {"allow"}


def test_another_architecture_is_killed(machine):
    assert machine.decide(1, architecture=OTHER_ARCHITECTURES[machine.name]) == "kill"
    (another,) = set(MACHINES) - {machine.name}
    assert machine.decide(1, architecture=MACHINES[another].architecture) == "kill"


@pytest.mark.parametrize("number", [0x40000000 + 39, 0xFFFFFFFF])
def test_a_call_that_was_not_reviewed_does_not_exist(machine, number):
    assert machine.decide(number) == machine.decide(machine.highest + 1) == errno.ENOSYS


def test_the_highest_reviewed_call_is_decided_by_name(machine):
    assert max(machine.numbers.values()) == machine.highest
    assert machine.decide(machine.highest) == errno.EPERM


def test_every_call_that_a_rule_names_exists_on_x86_64_and_aarch64_lacks_only_what_it_never_had():
    assert [name for name in seccomp.NAMED if name not in MACHINES["x86_64"].numbers] == []
    assert {name for name in seccomp.NAMED if name not in MACHINES["aarch64"].numbers} == NEVER_ON_AARCH64


@pytest.mark.parametrize("name", ["ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "shmget", "personality"])
def test_what_only_administrators_and_debuggers_use_is_not_permitted(machine, name):
    assert machine(name) == errno.EPERM


@pytest.mark.parametrize("name", ["clone3", "io_uring_setup", "memfd_create"])
def test_what_libraries_can_do_without_does_not_exist(machine, name):
    assert machine(name) == errno.ENOSYS


@pytest.mark.parametrize(
    "family", [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_VSOCK]
)
def test_no_socket_of_any_family(machine, family):
    assert machine("socket", family, socket.SOCK_STREAM) == errno.EACCES


@pytest.mark.parametrize("name", ["connect", "bind", "listen"])
def test_no_socket_is_given_an_address(machine, name):
    assert machine(name, 3) == errno.EACCES


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC])
def test_a_connected_pair_is_allowed(machine, kind):
    assert machine("socketpair", socket.AF_UNIX, kind) == "allow"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK])
def test_a_pair_that_could_name_another_socket_is_refused(machine, kind):
    assert machine("socketpair", socket.AF_UNIX, kind) == errno.EACCES


def test_a_pair_of_another_family_is_refused(machine):
    assert machine("socketpair", 30, socket.SOCK_STREAM) == errno.EACCES


@pytest.mark.parametrize("address", [0x1000, 0x7F0000000000])
def test_sending_to_an_address_is_refused_in_either_half(machine, address):
    assert machine("sendto", 3, 0, 0, 0, address) == errno.EACCES
    assert machine("sendto", 3, 0, 0, 0, 0) == "allow"


@pytest.mark.parametrize(("name", "position"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_out_of_band_data_is_refused(machine, name, position):
    arguments = [0] * 6
    arguments[position] = socket.MSG_OOB | socket.MSG_NOSIGNAL
    assert machine(name, *arguments) == errno.EOPNOTSUPP


@pytest.mark.parametrize("flags", [NEWUSER, NEWNS | SIGCHLD, NEWNET | CLONE_THREAD_FLAGS])
def test_clone_makes_no_namespaces(machine, flags):
    assert machine("clone", flags) == errno.EPERM


@pytest.mark.parametrize("flags", [SIGCHLD, CLONE_THREAD_FLAGS])
def test_clone_makes_threads_and_processes(machine, flags):
    assert machine("clone", flags) == "allow"


@pytest.mark.parametrize("name", ["prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setattr"])
def test_scheduling_and_limits_of_others_are_out_of_reach(machine, name):
    assert (machine(name, 0), machine(name, 77)) == ("allow", errno.EPERM)


@pytest.mark.parametrize(("name", "own"), [("setpriority", os.PRIO_PROCESS), ("ioprio_set", 1)])
def test_priorities_of_others_of_groups_and_of_users_are_out_of_reach(machine, name, own):
    assert [machine(name, own, 0), machine(name, own, 77), machine(name, own + 1, 0)] == [
        "allow",
        errno.EPERM,
        errno.EPERM,
    ]


@pytest.mark.parametrize("request_", [seccomp.TIOCSTI, seccomp.TIOCLINUX, seccomp.TIOCSTI | 1 << 32])
def test_nothing_is_typed_into_a_terminal(machine, request_):
    assert machine("ioctl", 0, request_) == errno.EPERM


def test_other_device_requests_are_allowed(machine):
    assert machine("ioctl", 0, 0x5401) == "allow"


@pytest.mark.parametrize("name", ["execve", "execveat"])
def test_programs_are_started_only_when_allowed(machine, name):
    assert (machine(name), machine(name, execution=True)) == (errno.EACCES, "allow")


def test_another_machine_is_refused_by_name():
    with pytest.raises(IsolationRefused, match="riscv64") as caught:
        seccomp.program("riscv64", seccomp.Openings())
    assert caught.value.code == "MOP4001"


def test_the_kernel_takes_the_filter_and_obeys(in_child):
    def confined():
        credentials.forbid_new_privileges()
        seccomp.load(seccomp.compiled(os.uname().machine, seccomp.Openings()))
        socket.socketpair()
        socket.socket()

    assert in_child(confined) == ["PermissionError", errno.EACCES]


def test_the_kernel_says_that_it_has_filters():
    seccomp.check_available()


@pytest.mark.parametrize("name", ["connect", "bind", "listen"])
def test_with_a_network_every_call_that_addresses_a_socket_is_asked_about(machine, name):
    assert machine(name, 3, network=True) == "ask"


@pytest.mark.parametrize("address", [0x1000, 0x7F0000000000])
def test_with_a_network_sending_to_an_address_is_asked_about(machine, address):
    assert machine("sendto", 3, 0, 0, 0, address, network=True) == "ask"
    assert machine("sendto", 3, 0, 0, 0, 0, network=True) == "allow"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize(("kind", "protocol"), [(1, 0), (1, 6), (2, 0), (2, 17), (2 | socket.SOCK_NONBLOCK, 0)])
def test_with_a_network_plain_tcp_and_udp_sockets_can_be_made(machine, family, kind, protocol):
    assert machine("socket", family, kind, protocol, network=True) == "allow"


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK, 38, 44, 45])
def test_with_a_network_there_are_no_sockets_of_other_families(machine, family):
    assert machine("socket", family, socket.SOCK_STREAM, network=True) == errno.EACCES


@pytest.mark.parametrize(
    ("kind", "protocol"), [(1, 262), (1, 132), (2, 1), (2, 58), (2, 136), (3, 255), (5, 132), (6, 33)]
)
def test_with_a_network_there_are_no_other_protocols(machine, kind, protocol):
    assert machine("socket", socket.AF_INET, kind, protocol, network=True) == errno.EACCES


@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize(("name", "position"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_tcp_fast_open_is_refused(machine, name, position, network):
    arguments = [0] * 6
    arguments[position] = 0x20000000
    assert machine(name, *arguments, network=network) == errno.EOPNOTSUPP


@pytest.mark.parametrize("request_", [0x8912, 0x8913, 0x8927, 0x894C, 0x8946, 0x89F0])
def test_with_a_network_nothing_is_asked_about_interfaces(machine, request_):
    assert machine("ioctl", 3, request_, network=True) == errno.EPERM
    assert machine("ioctl", 3, 0x5421, network=True) == "allow"
    assert machine("ioctl", 3, seccomp.TIOCSTI, network=True) == errno.EPERM


@pytest.mark.parametrize(("level", "option"), [(0, 4), (41, 57), (6, 19), (6, 30), (6, 31), (1, 25), (1, 36), (1, 62)])
def test_with_a_network_no_option_routes_wraps_or_tunnels(machine, level, option):
    assert machine("setsockopt", 3, level, option, network=True) == errno.EPERM


@pytest.mark.parametrize(("level", "option"), [(6, 1), (1, 2), (1, 9), (41, 26), (0, 1), (1, 20), (6, 4)])
def test_with_a_network_ordinary_options_are_allowed(machine, level, option):
    assert machine("setsockopt", 3, level, option, network=True) == "allow"
