"""Turn the files of a plan into encoded members: read once, hashed, scanned and compressed in the same pass.

Members come out in the order of the plan whatever the number of threads; the bytes do not depend on it. At any time
only a bounded window of files or pieces is in memory.
"""

from __future__ import annotations

import collections
import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from deflate import crc32

from mobileops.bundle.layout import STORED
from mobileops.toolchain.pack.codes import PackCode, fail
from mobileops.toolchain.pack.compress import LARGE_BYTES, compress_whole
from mobileops.toolchain.pack.planned import check_end, open_planned, read_exactly
from mobileops.toolchain.secrets import find_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mobileops.toolchain.pack.planned import Planned

Result = TypeVar("Result")

THREADS: Final = 2
_BATCH_BYTES: Final = 256 << 10
"""Small files travel to a thread in batches of about this size: one hand-over for many."""
_WINDOW: Final = 2 * THREADS + 2


class Encoded(NamedTuple):
    """A file in memory, ready to be written.

    Attributes:
        sha256: of the file, lowercase hex digits.
        crc32: of the file.
        method: stored or deflate.
        data: what goes into the archive.
    """

    sha256: str
    crc32: int
    method: int
    data: bytes | bytearray


def encode_bytes(content: bytes, *, stored: bool) -> Encoded:
    """Return the member for `content`; with `stored` it is not compressed."""
    method, data = (STORED, content) if stored else compress_whole(content)
    return Encoded(hashlib.sha256(content).hexdigest(), crc32(content), method, data)


def batches(files: Iterable[Planned]) -> Iterator[tuple[Planned, ...]]:
    """Group consecutive small files; each large file is a group of its own."""
    batch: list[Planned] = []
    size = 0
    for planned in files:
        if is_large((planned,)):
            if batch:
                yield tuple(batch)
            yield (planned,)
            batch, size = [], 0
            continue
        batch.append(planned)
        size += planned.size
        if size > _BATCH_BYTES:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


def is_large(batch: tuple[Planned, ...]) -> bool:
    """Tell whether `batch` is one file that is encoded in pieces."""
    return batch[0].size > LARGE_BYTES and batch[0].content is None


def encode_batch(batch: tuple[Planned, ...], *, stored: bool) -> list[Encoded]:
    """Read and encode small files.

    Raises:
        PackagingError: a file changed, cannot be read, or holds a secret.
    """
    return [encode_bytes(_read_small(planned), stored=stored) for planned in batch]


def _read_small(planned: Planned) -> bytes:
    if planned.content is not None:
        return planned.content
    descriptor = open_planned(planned)
    try:
        content = read_exactly(descriptor, planned, offset=0, length=planned.size)
        check_end(descriptor, planned)
    finally:
        os.close(descriptor)
    secret = None if planned.vendored or planned.allowed else find_secret(content)
    if secret is not None:
        fix = "remove it from the source and revoke it, or list the file in .pluginignore"
        fail(PackCode.SECRET, f"{planned.name!r} contains {secret}", where=planned.name, fix=fix)
    return content


def ahead(
    works: Iterable[Callable[[], Result]], submit: Callable[[Callable[[], Result]], Callable[[], Result]]
) -> Iterator[Result]:
    """Yield the results of pieces of work in order; a bounded number of the next ones have been started.

    Args:
        works: what is done elsewhere.
        submit: starts a piece of work and returns a function that waits for its result.
    """
    waiting: collections.deque[Callable[[], Result]] = collections.deque()
    for work in works:
        waiting.append(submit(work))
        if len(waiting) >= _WINDOW:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()
