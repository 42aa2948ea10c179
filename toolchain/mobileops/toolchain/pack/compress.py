"""Compress members so that the bytes are the same on every CPU, and fast.

libdeflate for files in one go, here; zlib-ng for large files in pieces, in `deflate_pieces`: both pinned, both without
code paths whose output depends on the CPU (Intel's igzip has such paths, and the zlib of the distribution varies with
its build). zlib-ng is imported when the first file needs it: few small plugins have one.
"""

from __future__ import annotations

from typing import Final

import deflate

from mobileops.bundle.layout import DEFLATED, STORED
from mobileops.bundle.limits import ratio_is_excessive

LARGE_BYTES: Final = 2 << 20
"""Files over this size are compressed in pieces."""

_LIBDEFLATE_LEVEL: Final = 6
_PROBE_LEVEL: Final = 1
_TINY_BYTES: Final = 32
_PROBED_FROM_BYTES: Final = 4096
_PROBE_BYTES: Final = 1024
_WORTH_STORING: Final = 0.97


def settings() -> dict[str, str]:
    """Return what else the encoded bytes depend on beside the versions of the compressors: option -> value."""
    from mobileops.toolchain.pack.deflate_pieces import MATCHING_LEVEL, PIECE_BYTES  # noqa: PLC0415 - see the docstring

    return {
        "deflateLevel": str(_LIBDEFLATE_LEVEL),
        "zlibNgLevel": str(MATCHING_LEVEL),
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
        from mobileops.toolchain.pack.deflate_pieces import huffman  # noqa: PLC0415 - see the docstring

        return huffman(data, last=True)
    return encoded
