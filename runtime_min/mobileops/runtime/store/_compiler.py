"""Compile Python files; a program, run by `mobileops.runtime.store.bytecode` in the folder that they are in.

It reads pairs of source and target, separated by NUL, from standard input and never runs what it compiles. What is no
valid source is passed over. Whoever wrote the sources may want to hurt the compiler: memory, time and output have
limits.
"""

from __future__ import annotations

import py_compile
import resource
import sys

MEMORY_BYTES = 1 << 30
CPU_S = 60
FILE_BYTES = 64 << 20


def main() -> None:
    """Bound this process, then compile."""
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    words = sys.stdin.buffer.read().decode().split("\0")
    for source, target in zip(words[::2], words[1::2], strict=True):
        try:
            py_compile.compile(
                source,
                target,
                dfile=f"/app/{source}",  # where a plugin sees it
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                quiet=2,
            )
        except (py_compile.PyCompileError, ValueError, RecursionError, MemoryError):
            continue


if __name__ == "__main__":
    main()
