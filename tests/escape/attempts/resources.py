"""Attempts to use more than was given; the limits are in `driver.LIMITS`, the controls stay small."""

from __future__ import annotations

import errno
import mmap
import os
import resource
import threading
from contextlib import suppress

from attempts.registry import Refused, Scene, attempt

MEBIBYTE = 1024 * 1024


@attempt()
def many_processes(scene: Scene) -> str:
    """Starts 100 children that wait for a pipe to close; the limit is 40."""
    read_end, write_end = os.pipe()
    children = []
    try:
        for _ in range(100):
            child = os.fork()
            if child == 0:
                os.close(write_end)
                os.read(read_end, 1)
                os._exit(0)
            children.append(child)
    finally:
        os.close(write_end)
        for child in children:
            os.waitpid(child, 0)
    return f"{len(children)} processes"


@attempt()
def many_threads(scene: Scene) -> str:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(100)]
    try:
        for thread in threads:
            thread.start()
    finally:
        done.set()
    return "100 threads"


@attempt()
def much_memory(scene: Scene) -> str:
    with mmap.mmap(-1, 600 * MEBIBYTE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as area:
        return f"{len(area)} bytes"


@attempt()
def much_shared_memory(scene: Scene) -> str:
    areas = [mmap.mmap(-1, 512 * MEBIBYTE) for _ in range(6)]
    return f"{sum(map(len, areas))} bytes"


@attempt()
def many_open_files(scene: Scene) -> str:
    """The limit is 128; a control may have a limit of its own, so it opens 200."""
    descriptors = []
    try:
        descriptors.extend(os.open("/dev/null", os.O_RDONLY) for _ in range(200))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return f"{len(descriptors)} files"


@attempt()
def a_large_file(scene: Scene) -> str:
    path = scene.data / "large"
    try:
        with path.open("wb") as stream:
            stream.truncate(96 * MEBIBYTE)
    finally:
        path.unlink()
    return "96 MiB"


@attempt(bare=False)
def a_full_temporary_directory(scene: Scene) -> str:
    return fill(scene.tmp)


@attempt()
def a_full_shared_memory_directory(scene: Scene) -> str:
    return fill(scene.shm)


def fill(directory) -> str:
    """Write 80 MiB in two files; each memory file system of a plugin holds 64."""
    paths = [directory / f"fill-{os.getpid()}-{number}" for number in range(2)]
    try:
        for path in paths:
            with path.open("wb") as stream:
                for _ in range(40):
                    stream.write(bytes(MEBIBYTE))
    finally:
        for path in paths:
            with suppress(FileNotFoundError):
                path.unlink()
    return "80 MiB"


@attempt(bare=False)
def more_files_than_there_are_inodes(scene: Scene) -> str:
    directory = scene.tmp / "many"
    directory.mkdir(exist_ok=True)
    made = 0
    try:
        for made in range(17_000):
            os.close(os.open(directory / str(made), os.O_CREAT | os.O_WRONLY))
    finally:
        for number in range(made + 1):
            with suppress(FileNotFoundError):
                (directory / str(number)).unlink()
    return f"{made} files"


@attempt(uncontrolled="only the host's root may")
def raise_its_own_limits(scene: Scene) -> str:
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA):
        _soft, hard = resource.getrlimit(kind)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (hard + 1, hard + 1))
            return f"limit {kind}"
    raise Refused("none")


@attempt(optional=True)
def a_core_dump(scene: Scene) -> str:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except ValueError as error:  # an account may have none
        raise OSError(errno.EPERM, "not allowed to raise it") from error
    return "possible"


@attempt()
def locked_memory(scene: Scene) -> str:
    """256 KiB of memory that the kernel may not swap; ordinary users have 8 MiB or nothing at all by default."""
    import ctypes  # noqa: PLC0415 (only here)

    size = 256 * 1024
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(-1, size) as area:
        address = ctypes.addressof(ctypes.c_char.from_buffer(area))
        result = libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size))
        code = ctypes.get_errno()
    if result:
        raise OSError(code, os.strerror(code))
    return "locked"
