"""The bundle format: ``NAME-VERSION[-PLATFORM].zip``, read by a strict reader made for hostile archives.

``open_bundle(path)`` is the door; `layout` has the bytes, `limits` the bounds, `names` the rules for member names,
`files` the file table, `codes` every reason for a refusal. What is exported here is imported on first use (PEP 562):
a command that only needs the name of a bundle does not pay for its reader.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mobileops.bundle.codes import Code
    from mobileops.bundle.description import read_api, read_overrides, read_sbom
    from mobileops.bundle.digest import sha256_of_descriptor, sha256_of_file
    from mobileops.bundle.filename import SIGNATURE_SUFFIX, bundle_file_name, signature_path
    from mobileops.bundle.files import FileEntry, FileTable
    from mobileops.bundle.layout import API_MEMBER, FILES_MEMBER, MANIFEST_MEMBER, OVERRIDES_MEMBER, SBOM_MEMBER
    from mobileops.bundle.reader import Bundle, open_bundle
    from mobileops.bundle.records import Member

__all__ = [
    "API_MEMBER",
    "FILES_MEMBER",
    "MANIFEST_MEMBER",
    "OVERRIDES_MEMBER",
    "SBOM_MEMBER",
    "SIGNATURE_SUFFIX",
    "Bundle",
    "Code",
    "FileEntry",
    "FileTable",
    "Member",
    "bundle_file_name",
    "open_bundle",
    "read_api",
    "read_overrides",
    "read_sbom",
    "sha256_of_descriptor",
    "sha256_of_file",
    "signature_path",
]

_HOMES: Final = {
    "codes": ("Code",),
    "description": ("read_api", "read_overrides", "read_sbom"),
    "digest": ("sha256_of_descriptor", "sha256_of_file"),
    "filename": ("SIGNATURE_SUFFIX", "bundle_file_name", "signature_path"),
    "files": ("FileEntry", "FileTable"),
    "layout": ("API_MEMBER", "FILES_MEMBER", "MANIFEST_MEMBER", "OVERRIDES_MEMBER", "SBOM_MEMBER"),
    "reader": ("Bundle", "open_bundle"),
    "records": ("Member",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any exported value
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"mobileops.bundle.{home}"), name)
            globals()[name] = value
            return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
