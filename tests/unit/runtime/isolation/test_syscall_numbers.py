"""The tables against the kernel's own headers; unistd_MACHINE.txt is what ``cpp -dM`` makes of them (Linux 6.1)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from mobileops.runtime.isolation.syscall_numbers import MACHINES

SINCE_6_1 = 451
ARCHITECTURES = {
    "x86_64": 62 | 0xC0000000,
    "aarch64": 183 | 0xC0000000,
}  # EM_* | 64 bit | little endian (linux/audit.h)


def of_the_headers(machine):
    lines = (Path(__file__).parent / f"unistd_{machine}.txt").read_text().splitlines()
    return {name: int(number) for name, number in (line.split() for line in lines)}


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_every_number_is_the_one_of_the_kernels_header(machine):
    ours = {name: number for name, number in MACHINES[machine].numbers.items() if number < SINCE_6_1}
    assert ours == of_the_headers(machine)


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_no_two_calls_of_a_machine_share_a_number(machine):
    numbers = MACHINES[machine].numbers
    assert len(set(numbers.values())) == len(numbers)


def test_the_architectures_are_those_of_the_audit_header():
    assert {name: machine.architecture for name, machine in MACHINES.items()} == ARCHITECTURES


@pytest.mark.parametrize("name", ["open", "stat", "fork", "vfork", "chmod", "unlink", "poll", "epoll_wait"])
def test_aarch64_lacks_what_newer_calls_replace(name):
    assert name in MACHINES["x86_64"].numbers
    assert name not in MACHINES["aarch64"].numbers


def test_this_kernel_agrees_about_its_own_process_id():
    number = MACHINES[os.uname().machine].numbers["getpid"]
    assert ctypes.CDLL(None).syscall(ctypes.c_long(number)) == os.getpid()
