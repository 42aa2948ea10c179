"""Build the statement that a signer makes about a bundle: in-toto Statement v1, predicate ``plugin-publish/v1``.

``mobileops.runtime.trust.statement`` reads it; both follow ``schema/attestations/plugin-publish/v1.schema.json``.
Law: what is built from a bundle, ``verify`` accepts for that bundle and for no other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from mobileops.bundle import FILES_MEMBER
from mobileops.manifest.json_text import canonical
from mobileops.runtime.trust.statement import PREDICATE_TYPE, STATEMENT_TYPE
from mobileops.toolchain import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.bundle import Bundle

TOOL_NAME: Final = "mobileops-toolchain"


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What the bundle was built from.

    Attributes:
        repository: URL of the version control repository.
        commit: full identifier of the commit.
    """

    repository: str
    commit: str


@dataclasses.dataclass(frozen=True, slots=True)
class BuildInputs:
    """What else the bytes of the archive depend on; with these and the source, anyone can rebuild and compare.

    Attributes:
        compressor: name and version of every library that made compressed data, such as ``deflate 0.9.0``.
        settings: option of the packer -> value.
        source_date: the time that stands in the archive, RFC 3339 in UTC.
    """

    compressor: str
    settings: Mapping[str, str]
    source_date: str


def build(bundle: Bundle, *, source: Source | None = None, inputs: BuildInputs | None = None) -> bytes:
    """Return the statement about an open bundle, canonical JSON."""
    manifest = bundle.manifest
    predicate: dict[str, Any] = {
        "name": manifest.name,
        "version": str(manifest.version),
        "manifestDigest": {"sha256": manifest.digest},
        "permissions": list(manifest.document.get("permissions", ())),
        "tool": {"name": TOOL_NAME, "version": __version__},
    }
    if source is not None:
        predicate["source"] = {"repository": source.repository, "commit": source.commit}
    if inputs is not None:
        predicate["build"] = {
            "compressor": inputs.compressor,
            "settings": dict(inputs.settings),
            "sourceDate": inputs.source_date,
        }
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": bundle.path.name, "digest": {"sha256": bundle.sha256}},
                {"name": FILES_MEMBER, "digest": {"sha256": bundle.files_digest}},
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )
