"""Compress members so that the bytes are the same on every CPU, and fast.

libdeflate for files in one go, zlib-ng for large files in pieces: both pinned, both without code paths whose output
depends on the CPU (Intel's igzip has such paths, and the zlib of the distribution varies with its build). Whether a
file is worth matching, worth Huffman coding alone, or neither is decided from a sample of its content.
"""

from __future__ import annotations

import enum
from typing import Final

import deflate
from zlib_ng import zlib_ng

from mobileops.bundle.layout import DEFLATED, STORED
from mobileops.bundle.limits import ratio_is_excessive

LARGE_BYTES: Final = 2 << 20
"""Files over this size are compressed in pieces."""
PIECE_BYTES: Final = 1 << 20

_LIBDEFLATE_LEVEL: Final = 6
_ZLIB_NG_LEVEL: Final = 4
_PROBE_LEVEL: Final = 1
_SAMPLE_LEVEL: Final = 2
_RAW: Final = -15
_MEMORY_LEVEL: Final = 9
_TINY_BYTES: Final = 32
_PROBED_FROM_BYTES: Final = 4096
_PROBE_BYTES: Final = 1024
SAMPLE_BYTES: Final = 8192
"""Length of each of the three parts of a sample."""
_WORTH_STORING: Final = 0.97
_WORTH_HUFFMAN: Final = 0.98


class Kind(enum.Enum):
    """How the bytes of a file are best encoded."""

    STORE = enum.auto()
    HUFFMAN = enum.auto()
    MATCH = enum.auto()


def settings() -> dict[str, str]:
    """Return what else the encoded bytes depend on beside the versions of the compressors: option -> value."""
    return {
        "deflateLevel": str(_LIBDEFLATE_LEVEL),
        "zlibNgLevel": str(_ZLIB_NG_LEVEL),
        "largeBytes": str(LARGE_BYTES),
        "pieceBytes": str(PIECE_BYTES),
    }


def compress_whole(data: bytes) -> tuple[int, bytes | bytearray]:
    """Return the method (stored or deflate) and the encoded bytes of a file that is in memory."""
    if len(data) <= _TINY_BYTES or _is_incompressible(data):
        return STORED, data
    encoded = _matched(data)
    return (DEFLATED, encoded) if len(encoded) < len(data) else (STORED, data)


def _is_incompressible(data: bytes) -> bool:
    """Tell from a few probes whether trying would be a waste; the same content always gives the same answer."""
    if len(data) <= _PROBED_FROM_BYTES:
        return False
    middle = len(data) // 2
    probe = data[:_PROBE_BYTES] + data[middle : middle + _PROBE_BYTES] + data[-_PROBE_BYTES:]
    # One bit in eight of ASCII is always zero: coding it is always worth while.
    return not probe.isascii() and len(deflate.deflate_compress(probe, _PROBE_LEVEL)) > _WORTH_STORING * len(probe)


def _matched(data: bytes) -> bytes | bytearray:
    encoded = deflate.deflate_compress(data, _LIBDEFLATE_LEVEL)
    if ratio_is_excessive(len(data), len(encoded)):
        # A reader takes it for a bomb. Huffman codes alone never go beyond 8 to 1.
        return _huffman(data, last=True)
    return encoded


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
        return _huffman(data, last=last)
    compressor = zlib_ng.compressobj(_ZLIB_NG_LEVEL, zlib_ng.DEFLATED, _RAW)
    return _finished(compressor, data, last=last)


def kind_of(data: bytes) -> Kind:
    """Return how content like the sample `data` is best encoded; the same content always gives the same answer."""
    coded = len(_huffman(data, last=True))
    matched = len(zlib_ng.compress(data, _SAMPLE_LEVEL, _RAW))
    if min(coded, matched) > _WORTH_STORING * len(data):
        return Kind.STORE
    return Kind.HUFFMAN if coded < _WORTH_HUFFMAN * matched else Kind.MATCH


def sample_offsets(size: int) -> tuple[int, int, int]:
    """Return where the three parts of a sample begin in a file of `size` bytes."""
    return 0, size // 2, size - SAMPLE_BYTES


def _huffman(data: bytes, *, last: bool) -> bytes:
    strategy = zlib_ng.Z_HUFFMAN_ONLY
    compressor = zlib_ng.compressobj(_LIBDEFLATE_LEVEL, zlib_ng.DEFLATED, _RAW, _MEMORY_LEVEL, strategy)
    return _finished(compressor, data, last=last)


def _finished(compressor: zlib_ng._Compress, data: bytes, *, last: bool) -> bytes:
    head = compressor.compress(data)
    return head + compressor.flush(zlib_ng.Z_FINISH if last else zlib_ng.Z_SYNC_FLUSH)
