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
    from typing import Self

    from mobileops.bundle import Bundle

TOOL_NAME: Final = "mobileops-toolchain"


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What the bundle was built from.

    Attributes:
        repository: URL of the version control repository, without credentials.
        commit: full identifier of the commit.
        path: folder of the plugin in the repository, ``.`` for its top.
        dirty: whether the folder held changes that the commit does not have.
    """

    repository: str
    commit: str
    path: str = "."
    dirty: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the source as JSON values."""
        return dataclasses.asdict(self)


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

    @classmethod
    def from_packer(cls, inputs: Mapping[str, str]) -> Self:
        """Take what the packer says about itself: two names have places of their own, all others are settings."""
        settings = {name: value for name, value in inputs.items() if name not in {"compressor", "sourceDate"}}
        return cls(inputs["compressor"], settings, inputs["sourceDate"])

    def to_dict(self) -> dict[str, Any]:
        """Return the inputs as JSON values."""
        return {"compressor": self.compressor, "settings": dict(self.settings), "sourceDate": self.source_date}


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
        predicate["source"] = source.to_dict()
    if inputs is not None:
        predicate["build"] = inputs.to_dict()
    return state(bundle, PREDICATE_TYPE, predicate)


def state(bundle: Bundle, predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Return an in-toto statement about the two subjects of a bundle, canonical JSON."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": bundle.path.name, "digest": {"sha256": bundle.sha256}},
                {"name": FILES_MEMBER, "digest": {"sha256": bundle.files_digest}},
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )
