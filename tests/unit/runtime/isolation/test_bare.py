from __future__ import annotations

import errno
import struct

import pytest

from mobileops.runtime.isolation import bare, bpf, landlock, limits
from mobileops.runtime.isolation.policy import Limits
from mobileops.runtime.isolation.syscall_numbers import MACHINES


def decide(machine, number, architecture=None, *, argument=0):
    """Run the filter."""
    data = struct.pack("=IIQQ", number, architecture or MACHINES[machine].architecture, 0, argument)
    position, accumulator = 0, 0
    code = bare.program(machine)
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == bpf.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == bpf.RETURN:
            return value
        else:
            position += if_true if accumulator == value else if_false


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_calls_that_landlock_does_not_guard_answer_success_and_do_nothing(machine):
    numbers = MACHINES[machine].numbers
    assert {decide(machine, numbers[name]) for name in bare.INERT if name in numbers} == {bpf.ERRNO}
    assert {decide(machine, numbers[name]) for name in ("openat", "kill", "mkdirat")} == {bpf.ALLOW}


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_another_architecture_is_killed(machine):
    assert decide(machine, 1, 0x40000003) == bpf.KILL_PROCESS


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_the_first_process_stays_the_one_that_inherits_orphans(machine):
    number = MACHINES[machine].numbers["prctl"]
    assert decide(machine, number, argument=36) == bpf.ERRNO
    assert decide(machine, number, argument=15) == bpf.ALLOW


def test_every_call_that_is_named_exists():
    assert [name for name in bare.INERT if name not in MACHINES["x86_64"].numbers] == []


def test_a_landlock_that_cannot_hold_back_signals_is_not_enough(monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 5)
    with pytest.raises(OSError, match="ABI 5") as caught:
        bare.check()
    assert caught.value.errno == errno.EOPNOTSUPP


def test_the_process_count_has_room_for_what_else_runs_under_the_account():
    bounds = Limits(memory_bytes=1, processes=7, open_files=3, file_size_bytes=4)
    assert limits.beside_others(bounds).processes > 7
