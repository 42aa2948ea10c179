"""What must still work inside: a sandbox that breaks Python would only be switched off."""

from __future__ import annotations

import asyncio
import bz2
import concurrent.futures
import csv
import ctypes
import datetime as dt
import decimal
import fcntl
import hashlib
import json
import locale
import logging
import lzma
import mmap
import multiprocessing
import os
import random
import selectors
import signal
import socket
import sqlite3
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import uuid
import zipfile
import zlib
import zoneinfo
from pathlib import Path
from xml.etree import ElementTree

from attempts.registry import Scene, check


def vendored(scene: Scene) -> None:
    """Make the distributions importable that are vendored into the plugin."""
    sys.path.append(str(scene.app / "vendor"))


@check()
def numpy_with_its_threads(scene: Scene) -> str:
    vendored(scene)
    import numpy  # noqa: PLC0415 (only here)

    matrix = numpy.random.default_rng(1).random((200, 200))
    assert numpy.allclose(matrix @ numpy.linalg.inv(matrix), numpy.eye(200))
    numpy.save(scene.data / "array.npy", matrix)
    return str(numpy.load(scene.data / "array.npy", mmap_mode="r").shape)


@check(network=True)
def requests_to_a_granted_port(scene: Scene) -> str:
    vendored(scene)
    import requests  # noqa: PLC0415 (only here)

    answer = requests.get(f"http://127.0.0.1:{scene.targets['http']}/", timeout=10)
    assert answer.text == "host"
    return str(answer.status_code)


@check()
def fifteen_threads(scene: Scene) -> str:
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        return str(sum(pool.map(abs, range(100))))


@check()
def an_event_loop_with_threads(scene: Scene) -> str:
    async def main() -> int:
        await asyncio.sleep(0)
        return await asyncio.to_thread(lambda: 7)

    return str(asyncio.run(main()))


@check()
def a_database_in_the_data_directory(scene: Scene) -> str:
    path = scene.data / "test.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS t (n)")
        database.execute("INSERT INTO t VALUES (1)")
    return str(path.stat().st_size)


@check()
def time_zones(scene: Scene) -> str:
    return str(dt.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin"))) + str(time.tzname)


@check()
def certificates(scene: Scene) -> str:
    return str(len(ssl.create_default_context().get_ciphers()))


@check()
def temporary_files(scene: Scene) -> str:
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(b"x")
        return stream.name


@check()
def files_of_its_own(scene: Scene) -> str:
    path = scene.data / "sub" / "file"
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    path.chmod(0o600)
    path.rename(path.with_name("other")).unlink()
    return "written, renamed, removed"


@check()
def its_own_code(scene: Scene) -> str:
    source = Path(__file__)
    assert source.is_relative_to(scene.app)
    return str(len(source.read_text()))


@check(bare=False)
def processes_by_fork(scene: Scene) -> str:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=queue.put, args=("hello",))
    child.start()
    text = queue.get(timeout=5)
    child.join(5)
    return text


@check(bare=False)
def semaphores_and_shared_memory(scene: Scene) -> str:
    with multiprocessing.get_context("fork").Semaphore():
        pass
    with (scene.shm / "own").open("w+b") as memory:
        memory.truncate(4096)
        with mmap.mmap(memory.fileno(), 4096) as area:
            area[:1] = b"x"
    return "both"


@check(execution=True)
def other_programs_when_granted(scene: Scene) -> str:
    return subprocess.run(["id", "-u"], capture_output=True, check=True, text=True).stdout


@check(execution=True)
def another_interpreter_when_granted(scene: Scene) -> str:
    program = [sys.executable, "-I", "-S", "-c", "print(6 * 7)"]
    return subprocess.run(program, capture_output=True, check=True, text=True).stdout


@check()
def a_socket_pair(scene: Scene) -> str:
    ours, theirs = socket.socketpair()
    ours.sendall(b"x")
    with selectors.DefaultSelector() as selector:
        selector.register(theirs, selectors.EVENT_READ)
        assert selector.select(1)
    return theirs.recv(1).decode()


@check()
def signal_handlers(scene: Scene) -> str:
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    signal.raise_signal(signal.SIGUSR1)
    return str(seen[0])


@check()
def signals_to_its_own_children(scene: Scene) -> str:
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGTERM)
    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@check()
def callbacks_from_c(scene: Scene) -> str:
    """Closures of libffi need executable memory."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.CDLL(None).qsort(numbers, 3, 4, compare(lambda a, b: a[0] - b[0]))
    assert list(numbers) == [1, 2, 3]
    return "sorted"


@check()
def randomness_that_differs(scene: Scene) -> str:
    return f"{uuid.uuid4()} {random.random()} {os.urandom(4).hex()}"  # noqa: S311 (not for secrets)


@check()
def the_standard_library_at_large(scene: Scene) -> str:
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    logging.getLogger("x").warning("to stderr")
    assert os.cpu_count()
    assert Path.home() == scene.data
    assert Path.cwd() == scene.app
    assert os.getuid() != 0
    return json.dumps({"threads": threading.active_count()})


@check()
def standard_devices(scene: Scene) -> str:
    Path("/dev/null").write_text("x")
    assert os.read(os.open("/dev/zero", os.O_RDONLY), 2) == b"\0\0"
    return os.read(os.open("/dev/urandom", os.O_RDONLY), 2).hex()


@check()
def output_by_name(scene: Scene) -> str:
    with open("/dev/fd/2", "a") as stream:  # noqa: PTH123 (an append to a pipe)
        stream.write("x")
    return "written"


@check()
def compression_and_digests(scene: Scene) -> str:
    data = bytes(range(256)) * 64
    for packing in (zlib, bz2, lzma):
        assert packing.decompress(packing.compress(data)) == data
    return hashlib.scrypt(b"password", salt=b"salt", n=16, r=8, p=1).hex()


@check()
def precise_numbers_and_structures(scene: Scene) -> str:
    assert decimal.Decimal("0.1") * 3 == decimal.Decimal("0.3")
    return str(statistics.fmean(struct.unpack("<3d", struct.pack("<3d", 1, 2, 3))))


@check()
def an_archive_in_the_data_directory(scene: Scene) -> str:
    path = scene.data / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", "x" * 1000)
    with zipfile.ZipFile(path) as archive:
        return str(len(archive.read("member")))


@check()
def documents_of_other_formats(scene: Scene) -> str:
    assert tomllib.loads("a = 1") == {"a": 1}
    assert list(csv.reader(["a,b"])) == [["a", "b"]]
    return str(ElementTree.fromstring("<a><b/></a>")[0].tag)  # noqa: S314 (a literal)


@check()
def a_lock_on_a_file(scene: Scene) -> str:
    with (scene.data / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return "locked"


@check()
def a_timer(scene: Scene) -> str:
    seen = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    return str(seen)


@check()
def memory_of_a_file(scene: Scene) -> str:
    path = scene.data / "mapped"
    path.write_bytes(bytes(8192))
    with path.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as area:
        area[4096:4099] = b"abc"
    return path.read_bytes()[4096:4099].decode()


@check(execution=True)
def programs_in_an_event_loop_when_granted(scene: Scene) -> str:
    async def main() -> bytes:
        process = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return (await process.communicate(b"through a pipe"))[0]

    return asyncio.run(main()).decode()
