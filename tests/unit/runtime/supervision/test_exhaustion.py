"""Plugins that use up descriptors or the disk under /data: they see an error, the others and the manager go on."""

from __future__ import annotations

import errno
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Limits, SandboxPolicy
from mobileops.runtime.launching.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=64, file_size_bytes=8 << 20)
PLUGIN = """
import json, os

def fill(channel, assignment):
    written = 0
    try:
        with open("/data/full", "wb", buffering=0) as stream:
            while written < assignment["at_most"]:
                written += stream.write(bytes(65536))
        answer = [written, 0]
    except OSError as error:
        answer = [written, error.errno]
    channel.sendall(json.dumps(answer).encode())
    channel.recv(1)

def exhaust(channel, assignment):
    opened = []
    try:
        while len(opened) < 500:
            opened.append(os.open("/dev/null", os.O_RDONLY))
        answer = [len(opened), 0]
    except OSError as error:
        answer = [len(opened), error.errno]
    channel.sendall(json.dumps(answer).encode())
    channel.recv(1)

def echo(channel, assignment):
    while data := channel.recv(64):
        channel.sendall(data)
"""


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "plugins" / "p").mkdir(parents=True)
        (path / "plugins" / "p" / "entries.py").write_text(PLUGIN)
        for one in (path, *path.rglob("*")):
            one.chmod(0o755 if one.is_dir() else 0o644)
        yield path


def start(launcher, base, entry, number, **assignment):
    policy = SandboxPolicy(
        f"p{number}", str(base / "plugins" / "p"), str(base / "data" / f"p{number}"), plugin_uid(number), LIMITS
    )
    return launcher.launch(policy, assignment, entry=f"entries:{entry}")


def beside_a_neighbour(base, entry, **assignment):
    """Run an entry beside a plugin that answers; return what the entry said, and whether the other still answers."""
    with Launcher(plugins=base / "plugins", data=base / "data") as launcher:
        neighbour = start(launcher, base, "echo", 0)
        greedy = start(launcher, base, entry, 1, **assignment)
        said = json.loads(greedy.channel.recv(4096))
        neighbour.channel.sendall(b"still there")
        answered = neighbour.channel.recv(64)
        later = start(launcher, base, "echo", 2)  # the manager can still start plugins
        later.channel.sendall(b"new")
        answered += later.channel.recv(64)
        for one in (neighbour, greedy, later):
            one.channel.close()
            select.select([one.pidfd], [], [])
            os.close(one.pidfd)
            os.close(one.output)
    return said, answered.decode()


def test_a_plugin_without_descriptors_left_disturbs_nobody(base):
    said, answered = beside_a_neighbour(base, "exhaust")
    assert said[0] < LIMITS.open_files
    assert said[1] == errno.EMFILE
    assert answered == "still therenew"


def test_a_file_beyond_its_limit_is_refused_and_disturbs_nobody(base):
    said, answered = beside_a_neighbour(base, "fill", at_most=32 << 20)
    assert said == [LIMITS.file_size_bytes, errno.EFBIG]
    assert answered == "still therenew"


#: An ordinary user may mount only in a user namespace, and is an ordinary user again in one below.
FULL_DISK = """
import json, os, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[2])
from mobileops.runtime.isolation import mounts, namespaces
from tests.unit.runtime.supervision.test_exhaustion import beside_a_neighbour
uid, gid = os.geteuid(), os.getegid()
if uid:
    namespaces.unshare(namespaces.NEWUSER)
    namespaces.map_own_id(inside_uid=0, inside_gid=0, outside_uid=uid, outside_gid=gid)
namespaces.unshare(namespaces.NEWNS)
mounts.make_private()
base = Path(sys.argv[1])
(base / "data").mkdir()
mounts.mount_tmpfs(str(base / "data"), size_bytes=4 << 20, mode=0o711)
if uid:
    namespaces.unshare(namespaces.NEWUSER)
    namespaces.map_own_id(inside_uid=uid, inside_gid=gid, outside_uid=0, outside_gid=0)
print(json.dumps(beside_a_neighbour(base, "fill", at_most=8 << 20)))
"""


def test_a_full_disk_under_the_data_folders_disturbs_nobody(base):
    """The disk is a small file system in a mount namespace of a process of its own, which ends with it."""
    command = [sys.executable, "-c", FULL_DISK, str(base), json.dumps(sys.path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (written, number), answered = json.loads(done.stdout)
    assert written <= 4 << 20
    assert number == errno.ENOSPC
    assert answered == "still therenew"
