"""The processes that compile what a publisher wrote: limited, several at a time, and started before they are needed.

A process starts while the sources are still being written, and reads nothing until it is told their names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIMEOUT_S: Final = 120.0
MAX_PROCESSES: Final = 4
PAYS_FROM_SOURCES: Final = 64
"""For each process after the first: it takes as long to start as this many short files to compile."""
_LENGTH_BYTES: Final = 4
_COMPILER: Final = Path(__file__).with_name("_compiler.py")


class _Share:
    """A part of the sources, and the process that compiles it."""

    def __init__(self, tree: Path, sources: Sequence[str], output: IO[bytes]) -> None:
        self.sources = sources
        self.output = output
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-I", "-S", "-B", str(_COMPILER)],
            stdin=subprocess.PIPE,
            cwd=tree,
            env={},
            stdout=output,
            stderr=subprocess.DEVNULL,
        )

    def compile(self, until: float) -> None:
        """Name the sources and wait for the end, which comes at `until` (monotonic) at the latest."""
        try:
            self.process.communicate("\0".join(self.sources).encode(), timeout=until - time.monotonic())
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()

    def end(self) -> None:
        """Leave no process behind."""
        self.process.kill()
        with self.process:  # closes its pipe and waits
            pass

    def compiled(self) -> Iterator[tuple[str, bytes]]:
        """Yield each source that could be compiled with its bytecode."""
        self.output.seek(0)
        for source in self.sources:
            data = self.output.read(int.from_bytes(self.output.read(_LENGTH_BYTES), "big"))
            if data:
                yield source, data


class Compilers:
    """Compiles the sources of one folder; to be entered when the folder is there, and left before it is moved.

    Args:
        tree: the folder.
        sources: names in it, relative POSIX paths.
    """

    def __init__(self, tree: Path, sources: Sequence[str]) -> None:
        self._tree = tree
        self._sources = sources
        self._shares: list[_Share] = []
        self._threads: list[threading.Thread] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        count = min(len(os.sched_getaffinity(0)), MAX_PROCESSES, -(-len(self._sources) // PAYS_FROM_SOURCES))
        outputs = [
            self._stack.enter_context(tempfile.TemporaryFile(dir=self._tree.parent))  # noqa: SIM115  entered here
            for _ in range(count)
        ]
        try:
            for number, output in enumerate(outputs):
                share = _Share(self._tree, self._sources[number::count], output)
                self._stack.callback(share.end)
                self._shares.append(share)
        except OSError:  # no process, no bytecode
            self._shares.clear()
        return self

    def __exit__(self, *_: object) -> None:
        for share in self._shares:
            share.process.kill()
        for thread in self._threads:
            thread.join()
        self._stack.close()

    def begin(self) -> None:
        """Compile; from now on every source is there."""
        until = time.monotonic() + TIMEOUT_S
        for share in self._shares:
            thread = threading.Thread(target=share.compile, args=(until,), name="compile")
            thread.start()
            self._threads.append(thread)

    def results(self) -> Iterator[tuple[str, bytes]]:
        """Wait, and yield each source that could be compiled with its bytecode; nothing when a process failed."""
        for thread in self._threads:
            thread.join()
        if all(share.process.returncode == 0 for share in self._shares):
            for share in self._shares:
                yield from share.compiled()
