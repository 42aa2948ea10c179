"""A program: give one command a machine that differs from this one in its /var and in /path.

``python -I fresh_machine.py UID GID PLACE=FOLDER ... -- COMMAND ...`` moves into a mount and a pid namespace. The root
there is in memory, with the top-level folders of this machine except /var bound into it, and each FOLDER at its PLACE,
which is absolute. The command runs as that account, in the same folder, with the terminal on its standard input as its
own. Nothing that it writes to /var or / is seen outside but what it writes to a PLACE, and nothing that it started
outlives it. Who is not root needs a user namespace for that, in which the account stays the same.
"""

from __future__ import annotations

import fcntl
import os
import sys
import termios
from pathlib import Path

from mobileops.runtime.isolation import mounts, namespaces

ROOM_BYTES = 1 << 26
ROOT = "/var"  # covered by the new root until that is the root: the one folder that is not bound into it
NOT_BOUND = frozenset({"proc", "var"})


def main(uid: int, gid: int, places: dict[str, str], command: list[str]) -> int:
    """Run the command on the machine and return its exit code."""
    if os.geteuid() != 0:
        namespaces.unshare(namespaces.NEWUSER)
        namespaces.map_own_id(inside_uid=uid, inside_gid=gid, outside_uid=uid, outside_gid=gid)
    namespaces.unshare(namespaces.NEWNS | namespaces.NEWPID)
    child = os.fork()
    if child == 0:
        make(places)
        become(uid, gid)
        os.execvp(command[0], command)  # noqa: S606  the test's own command
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def make(places: dict[str, str]) -> None:
    """Make the machine around this process, whose folder stays the same."""
    here = Path.cwd()
    mounts.make_private()
    mounts.mount_tmpfs(ROOT, size_bytes=ROOM_BYTES, mode=0o755)
    for entry in os.scandir("/"):
        if entry.is_symlink():
            Path(ROOT, entry.name).symlink_to(Path(entry.path).readlink())
        elif entry.is_dir() and entry.name not in NOT_BOUND:
            bind(entry.path, entry.path)
    Path(ROOT, "proc").mkdir()
    mounts.mount_proc(f"{ROOT}/proc")
    for place, folder in places.items():
        bind(folder, place)
    mounts.pivot(ROOT)
    os.chdir(here)


def bind(folder: str, place: str) -> None:
    """Show a folder of this machine, and what is mounted below it, at a place of the new one."""
    target = Path(f"{ROOT}{place}")
    target.mkdir(parents=True)
    descriptor = os.open(target, os.O_PATH)
    mounts.attach(mounts.clone_tree(folder, attributes=0), descriptor)
    os.close(descriptor)


def become(uid: int, gid: int) -> None:
    """Become the account, on a terminal of its own; end with the parent, and everything here with this process."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    namespaces.die_with_parent()
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


if __name__ == "__main__":
    end = sys.argv.index("--")
    shown = dict(argument.split("=", 1) for argument in sys.argv[3:end])
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), shown, sys.argv[end + 1 :]))
