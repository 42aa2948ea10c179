"""An append-only Merkle tree (RFC 6962 section 2.1) in one file of 32-byte nodes.

Nodes are stored in post-order: each leaf, followed by every inner node that it completes. ``n`` leaves therefore take
exactly ``2n - popcount(n)`` nodes, so the size of the file says how many leaves there are, and the peaks (the roots of
the perfect subtrees, one per set bit of ``n``) lie at places that follow from ``n`` alone. Appending reads the peaks
and writes one short run at the end: O(log n) work, whatever the size of the log.

A process killed while writing leaves a run without its last nodes. The next append finds the longest prefix that is a
whole tree and cuts the rest off; no proof was handed out for that leaf, because a proof is made after fsync.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODE_BYTES: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class Appended:
    """What one append proves.

    Attributes:
        index: place of the new leaf, from 0.
        size: leaves in the tree, the new one included.
        root: hash of the whole tree.
        path: audit path of the new leaf, nearest sibling first (RFC 6962 section 2.1.1).
    """

    index: int
    size: int
    root: bytes
    path: tuple[bytes, ...]


def hash_leaf(entry: bytes) -> bytes:
    """Return the hash of a leaf; the prefix keeps leaves and inner nodes apart (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def node_count(leaves: int) -> int:
    """Return how many nodes a tree of that many leaves has in post-order."""
    return 2 * leaves - leaves.bit_count()


def leaf_count(nodes: int) -> int:
    """Return the leaves of the longest whole tree in that many nodes: ``leaf_count(node_count(n)) == n``."""
    leaves = 0
    for height in reversed(range(nodes.bit_length())):
        subtree = (2 << height) - 1
        if subtree <= nodes:
            leaves |= 1 << height
            nodes -= subtree
    return leaves


def peak_positions(leaves: int) -> tuple[int, ...]:
    """Return where the roots of the perfect subtrees lie, largest subtree first."""
    positions = []
    end = 0
    for height in reversed(range(leaves.bit_length())):
        if leaves >> height & 1:
            end += (2 << height) - 1
            positions.append(end - 1)
    return tuple(positions)


def append(path: Path, entry: bytes) -> Appended:
    """Append one entry and return its proof, after the tree is safely on disk.

    Concurrent processes take turns through ``flock`` on the file itself, so two entries never share an index.

    Raises:
        OSError: the file cannot be opened, written or synced; the tree is then as it was before.
    """
    with _locked(path) as descriptor:
        size = leaf_count(os.fstat(descriptor).st_size // NODE_BYTES)
        end = node_count(size) * NODE_BYTES
        os.ftruncate(descriptor, end)
        peaks = [os.pread(descriptor, NODE_BYTES, at * NODE_BYTES) for at in peak_positions(size)]
        try:
            _write(descriptor, b"".join(_completed(hash_leaf(entry), peaks, size)), end)
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, end)
            raise
    return _prove(hash_leaf(entry), peaks, size)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _completed(leaf: bytes, peaks: list[bytes], index: int) -> list[bytes]:
    """Return the leaf and the inner nodes that it completes: one for each trailing 1 bit of its index."""
    run = [leaf]
    for sibling in reversed(peaks):
        if not index & 1:
            break
        run.append(hash_children(sibling, run[-1]))
        index >>= 1
    return run


def _prove(leaf: bytes, peaks: list[bytes], index: int) -> Appended:
    # The newest leaf has nothing to its right: its audit path is the peaks before it, smallest subtree first.
    root = leaf
    for sibling in reversed(peaks):
        root = hash_children(sibling, root)
    return Appended(index=index, size=index + 1, root=root, path=tuple(reversed(peaks)))


def _write(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
