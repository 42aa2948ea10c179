"""Compress large files in pieces with zlib-ng, so that the bytes are the same on every CPU.

Pieces of one file end on a byte boundary and do not refer to one another: they are made by any number of threads and
put one after the other. How a file is best encoded is decided once, from a sample of its content.
"""

from __future__ import annotations

import enum
from typing import Final

from zlib_ng import zlib_ng

PIECE_BYTES: Final = 1 << 20
MATCHING_LEVEL: Final = 4
SAMPLE_BYTES: Final = 8192
"""Length of each of the three parts of a sample."""

_HUFFMAN_LEVEL: Final = 6
_SAMPLE_LEVEL: Final = 2
_RAW: Final = -15
_MEMORY_LEVEL: Final = 9
_WORTH_STORING: Final = 0.97
_WORTH_HUFFMAN: Final = 0.98


class Kind(enum.Enum):
    """How the bytes of a file are best encoded."""

    STORE = enum.auto()
    HUFFMAN = enum.auto()
    MATCH = enum.auto()


def compress_piece(data: bytes, kind: Kind, *, last: bool) -> bytes:
    """Return one piece of a deflate stream; pieces of one file are simply put one after the other.

    Args:
        data: `PIECE_BYTES` of the file, or what is left of it.
        kind: the same for all pieces of a file.
        last: whether this piece ends the stream; all others end on a byte boundary (``Z_SYNC_FLUSH``).
    """
    if kind is Kind.STORE:
        return data
    if kind is Kind.HUFFMAN:
        return huffman(data, last=last)
    compressor = zlib_ng.compressobj(MATCHING_LEVEL, zlib_ng.DEFLATED, _RAW)
    return _finished(compressor, data, last=last)


def kind_of(data: bytes) -> Kind:
    """Return how content like the sample `data` is best encoded; the same content always gives the same answer."""
    coded = len(huffman(data, last=True))
    matched = len(zlib_ng.compress(data, _SAMPLE_LEVEL, _RAW))
    if min(coded, matched) > _WORTH_STORING * len(data):
        return Kind.STORE
    return Kind.HUFFMAN if coded < _WORTH_HUFFMAN * matched else Kind.MATCH


def sample_offsets(size: int) -> tuple[int, int, int]:
    """Return where the three parts of a sample begin in a file of `size` bytes."""
    return 0, size // 2, size - SAMPLE_BYTES


def huffman(data: bytes, *, last: bool) -> bytes:
    """Return one piece of a deflate stream with codes for single bytes alone, which never makes it 8 times smaller."""
    strategy = zlib_ng.Z_HUFFMAN_ONLY
    compressor = zlib_ng.compressobj(_HUFFMAN_LEVEL, zlib_ng.DEFLATED, _RAW, _MEMORY_LEVEL, strategy)
    return _finished(compressor, data, last=last)


def _finished(compressor: zlib_ng._Compress, data: bytes, *, last: bool) -> bytes:
    head = compressor.compress(data)
    return head + compressor.flush(zlib_ng.Z_FINISH if last else zlib_ng.Z_SYNC_FLUSH)
