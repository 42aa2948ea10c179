"""Hooks that wait: they run in no fork of the zygote, and in every fork of a plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mobileops import errors
from mobileops.runtime.isolation.fork_hooks import MODULES, ForkHooks

PACKAGES = Path(errors.__file__).parents[1]
PROGRAM = """
import os, sys
sys.path.append(sys.argv[1])
from mobileops.runtime.isolation.fork_hooks import ForkHooks
assert not {"threading", "logging"} & set(sys.modules)
hooks = ForkHooks()
hooks.import_without()
import threading
before = threading._active_limbo_lock

def replaced():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, b"1" if threading._active_limbo_lock is not before else b"0")
        os._exit(0)
    os.wait()
    return os.read(reading, 1).decode()

print(replaced(), end="")
hooks.release()
print(replaced(), end="")
"""


def test_the_locks_of_threads_are_replaced_in_a_fork_only_after_the_release():
    command = [sys.executable, "-I", "-S", "-c", PROGRAM, str(PACKAGES)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "01"


def test_registering_is_as_it_was_afterwards():
    register = os.register_at_fork
    ForkHooks().import_without()
    assert os.register_at_fork is register
    assert all(name in sys.modules for name in MODULES)
