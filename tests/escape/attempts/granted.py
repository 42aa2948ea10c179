"""Attempts to get further than a granted folder: planted links, races, and what a grant does not include.

"granted" and "flipping" may be read, "writable" may be changed; links in them lead to what is not granted (the class of
CVE-2026-87766). "flipping" is a folder and a link to another one in turn, as long as the tests run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from attempts.registry import Refused, Scene, attempt

READ = ("granted",)
WRITE = ("writable",)
BOTH = (*READ, *WRITE)
RACE_S = 20.0


def granted(scene: Scene) -> Path:
    return Path(scene.targets["granted"])


def writable(scene: Scene) -> Path:
    return Path(scene.targets["writable"])


def fresh(scene: Scene, name: str) -> Path:
    """Return a path in the writable folder that nothing is at."""
    path = writable(scene) / f"{name}-{os.getpid()}"
    with suppress(FileNotFoundError):
        path.unlink()
    return path


@attempt(granted=READ)
def a_planted_link_to_a_file(scene: Scene) -> str:
    return (granted(scene) / "to-a-file").read_text()


@attempt(granted=READ)
def a_planted_link_upwards(scene: Scene) -> str:
    return (granted(scene) / "upwards" / "secret").read_text()


@attempt(granted=READ)
def a_planted_link_to_a_folder(scene: Scene) -> str:
    return (granted(scene) / "to-a-folder" / "secret").read_text()


@attempt(granted=READ)
def dots_out_of_a_granted_folder(scene: Scene) -> str:
    return Path(f"{granted(scene)}/../secret").read_text()


@attempt(granted=READ)
def the_parent_of_an_opened_granted_folder(scene: Scene) -> str:
    folder = os.open(granted(scene), os.O_RDONLY | os.O_DIRECTORY)
    above = os.open("..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    return os.read(os.open("secret", os.O_RDONLY, dir_fd=above), 99).decode()


@attempt(granted=READ)
def what_lies_beside_a_granted_folder(scene: Scene) -> str:
    return granted(scene).with_name("secret").read_text()


@attempt(granted=READ)
def writing_where_only_reading_is_granted(scene: Scene) -> str:
    (granted(scene) / "inside").write_text("changed")
    return "written"


@attempt(granted=READ)
def making_a_file_where_only_reading_is_granted(scene: Scene) -> str:
    (granted(scene) / "new").write_text("")
    return "made"


@attempt(granted=READ)
def removing_where_only_reading_is_granted(scene: Scene) -> str:
    (granted(scene) / "removable").unlink()
    return "removed"


@attempt(granted=READ)
def moving_a_granted_folder_away(scene: Scene) -> str:
    moved = granted(scene).rename(granted(scene).with_name("moved-folder"))
    moved.rename(granted(scene))
    return "moved there and back"


@attempt(granted=WRITE)
def writing_through_a_planted_link(scene: Scene) -> str:
    (writable(scene) / "to-a-file").write_text("changed through a link")
    return "written"


@attempt(granted=WRITE)
def making_a_file_through_a_planted_link(scene: Scene) -> str:
    (writable(scene) / "upwards" / "planted").write_text("")
    return "made"


@attempt(granted=WRITE)
def planting_a_link_for_others(scene: Scene) -> str:
    path = fresh(scene, "link")
    path.symlink_to("/etc/passwd")
    path.unlink()
    return "planted"


@attempt(granted=WRITE)
def planting_a_pipe_for_others(scene: Scene) -> str:
    path = fresh(scene, "pipe")
    os.mkfifo(path)
    path.unlink()
    return "planted"


@attempt(granted=WRITE)
def planting_a_socket_for_others(scene: Scene) -> str:
    path = fresh(scene, "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    path.unlink()
    return "planted"


@attempt(granted=WRITE)
def a_hard_link_into_a_writable_folder(scene: Scene) -> str:
    path = fresh(scene, "hard")
    os.link(scene.targets["secret"], path)
    text = path.read_text()
    path.unlink()
    return text


@attempt(granted=BOTH)
def moving_from_a_readable_folder_to_a_writable_one(scene: Scene) -> str:
    path = fresh(scene, "taken")
    (granted(scene) / "movable").rename(path)
    return "moved"


@attempt(granted=WRITE)
def a_program_in_a_writable_folder(scene: Scene) -> str:
    program = fresh(scene, "program")
    program.write_text("#!/bin/sh\necho out\n")
    program.chmod(0o700)
    return subprocess.run([program], capture_output=True, check=True, text=True).stdout


@attempt(granted=WRITE, execution=True)
def a_program_in_a_writable_folder_with_the_permission_to_start_some(scene: Scene) -> str:
    return a_program_in_a_writable_folder(scene)


@attempt(granted=("linked",), bare=False, starts=1)
def a_granted_path_that_is_a_link(scene: Scene) -> str:
    return Path(scene.targets["linked"], "secret").read_text()


@attempt(granted=("writable", "linked_beneath"), bare=False, starts=1)
def a_granted_path_that_is_a_link_in_a_writable_folder(scene: Scene) -> str:
    """The mount point of the second grant would be made wherever the link leads."""
    return Path(scene.targets["linked_beneath"], "secret").read_text()


@attempt(granted=("flipping",), bare=False, starts=12)
def a_granted_folder_that_becomes_a_link_during_the_start(scene: Scene) -> str:
    return secret_of_a_race(scene, "flipping")


@attempt(granted=("writable", "flipping_beneath"), bare=False, starts=12)
def a_mount_point_that_becomes_a_link_during_the_start(scene: Scene) -> str:
    return secret_of_a_race(scene, "flipping_beneath")


def secret_of_a_race(scene: Scene, name: str) -> str:
    """Inside, the race is over when the plugin starts: what it sees stays. The control sees the link soon."""
    path = Path(scene.targets[name], "secret")
    end = time.monotonic() + (RACE_S if scene.outside else 0.05)
    while time.monotonic() < end:
        with suppress(OSError):
            return path.read_text()
    message = "only what was granted"
    raise Refused(message)
