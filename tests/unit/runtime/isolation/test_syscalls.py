from __future__ import annotations

import errno
import os

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import syscalls


def test_a_machine_without_a_table_is_refused():
    with pytest.raises(IsolationRefused, match="s390x") as caught:
        syscalls.machine_table("s390x")
    assert caught.value.code == "MOP4001"


def test_a_call_returns_what_the_kernel_returns():
    descriptor = os.open("/", os.O_RDONLY)
    assert syscalls.call("close_range", descriptor, descriptor, 0) == 0
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


def test_a_refused_call_raises_with_its_name_and_number():
    with pytest.raises(OSError, match="close_range") as caught:
        syscalls.call("close_range", 9, 3, 0)
    assert caught.value.errno == errno.EINVAL


def test_on_another_machine_no_call_is_made(monkeypatch):
    monkeypatch.setattr(syscalls, "_numbers", None)
    monkeypatch.setattr(syscalls, "_MACHINE", "s390x")
    with pytest.raises(IsolationRefused):
        syscalls.call("close_range", 9, 9, 0)
