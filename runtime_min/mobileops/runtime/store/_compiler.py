"""Compile Python files; a program, run by `mobileops.runtime.store.bytecode` in the folder that they are in.

It reads names of sources, separated by NUL, from standard input and never runs what it compiles. For each it writes
the length of the bytecode in four bytes, big-endian, and the bytecode (PEP 552: hash-based, unchecked) to standard
output; a length of 0 says that it is no valid source. Whoever wrote the sources may want to hurt the compiler: memory,
time and output have limits.
"""

from __future__ import annotations

import _imp
import marshal  # noqa: TID251  what bytecode is; nothing is read with it
import resource
import sys
from importlib._bootstrap_external import MAGIC_NUMBER  # importlib.util has it too, and takes as long as this process

MEMORY_BYTES = 1 << 30
CPU_S = 60
OUTPUT_BYTES = 256 << 20
UNCHECKED = (1).to_bytes(4, "little")


def main() -> None:
    """Bound this process, then compile."""
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    for name in sys.stdin.buffer.read().decode().split("\0"):
        data = compiled(name)
        sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()


def compiled(name: str) -> bytes:
    """Return the bytecode of a source, nothing when it is no valid one."""
    with open(name, "rb") as stream:  # noqa: PTH123  pathlib would be most of the time
        source = stream.read()
    try:
        code = compile(source, f"/app/{name}", "exec", dont_inherit=True)  # where a plugin sees it
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return b""
    digest = _imp.source_hash(int.from_bytes(MAGIC_NUMBER, "little"), source)  # what importlib.util.source_hash does
    return MAGIC_NUMBER + UNCHECKED + digest + marshal.dumps(code)


if __name__ == "__main__":
    main()
