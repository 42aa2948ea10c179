"""What lies where in a repository, and how large it may be.

::

    metadata/N.root.json            every root there was; trust starts at one of them
    metadata/timestamp.json         what counts now: replacing it is the commit
    metadata/N.snapshot.json        the version of every other metadata file
    metadata/N.targets.json         search.json, and the delegation to 256 bins
    metadata/N.bin-XX.json          the documents whose path has a SHA-256 that begins with XX
    targets/index/NAME/SHA256.versions.json   everything about one plugin (`document`)
    targets/names/SHA256.XX.json    names by the shape that a person sees, against names that look alike
    targets/SHA256.search.json      which segments make up the search log
    blobs/sha256/XX/SHA256          bundles, signatures, evidence, segments

The number of bins is the same at every size (ADR 0016).
"""

from __future__ import annotations

from typing import Final

METADATA: Final = "metadata"
TARGETS: Final = "targets"
BLOBS: Final = "blobs"
FIRST_ROOT: Final = "1.root.json"
TIMESTAMP: Final = "timestamp.json"

SEARCH: Final = "search.json"
BIN_PREFIX: Final = "bin"
BIN_BITS: Final = 8

MAX_ROOT_BYTES: Final = 64 << 10
MAX_TIMESTAMP_BYTES: Final = 8 << 10
MAX_SNAPSHOT_BYTES: Final = 256 << 10
MAX_TARGETS_BYTES: Final = 4 << 20
"""Of a bin: 25,000 plugins each, 6 million in all."""
MAX_DOCUMENT_BYTES: Final = 4 << 20
MAX_SEARCH_BYTES: Final = 64 << 10
MAX_SEGMENT_BYTES: Final = 256 << 20
"""Of a segment of the search log, inflated; at 50,000 plugins all of them have about 15 MB."""


def document_path(name: str) -> str:
    """Return the target path of the document of a plugin."""
    return f"index/{name}/versions.json"


def blob_path(sha256: str) -> str:
    """Return the path of a blob below the repository."""
    return f"{BLOBS}/sha256/{sha256[:2]}/{sha256}"
