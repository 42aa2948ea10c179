"""What the bytes of a bundle depend on beside its source: the values of ``build`` in the signed statement.

With these and the source anyone can build the archive again and compare. They describe the packer of this toolchain;
whoever signs what another version has packed says which one that was.
"""

from __future__ import annotations

from typing import Final

import deflate
import zlib_ng
from zlib_ng.zlib_ng import ZLIBNG_RUNTIME_VERSION

from mobileops.toolchain import __version__
from mobileops.toolchain.pack import compress

SOURCE_DATE: Final = "1980-01-01T00:00:00Z"
"""The time of every member: `mobileops.bundle.layout.FIXED_DATE`, as RFC 3339 writes it."""


def build_inputs(*, stored: bool = False) -> dict[str, str]:
    """Return name of an input -> value, the same for every bundle that this toolchain packs in the same way.

    Two names have a place of their own in the predicate (``schema/attestations/plugin-publish/v1.schema.json``):
    ``compressor`` and ``sourceDate``. All others are its ``settings``.

    Args:
        stored: whether the bundle was packed without compression.
    """
    return {
        "compressor": f"deflate {deflate.__version__}, zlib-ng {zlib_ng.__version__}",
        "sourceDate": SOURCE_DATE,
        "packer": f"mobileops-toolchain {__version__}",
        "zlibNgLibrary": str(ZLIBNG_RUNTIME_VERSION),
        "stored": "true" if stored else "false",
        **compress.settings(),
    }
