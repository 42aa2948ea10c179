"""What a repository says about one plugin: every version that was ever published, and what came of it.

``decode(encode(d)) == d``. Versions are never removed and never change: ``yanked`` and ``deprecated`` are said beside
them. Unknown keys are ignored, so that a later format may add some; a higher ``format`` is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from mobileops.errors import ManifestError, RefusedError
from mobileops.manifest import Version, VersionRange

FORMAT: Final = 1

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0)]
Platform = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_]+-cp3[0-9]+\Z")]


class Blob(msgspec.Struct, frozen=True):
    """A file by its content: lowercase hex digest, and size."""

    sha256: Digest
    size_bytes: Size


class Evidence(msgspec.Struct, frozen=True):
    """A further signed statement about a bundle.

    Attributes:
        kind: ``provenance`` or ``sbom``.
        blob: the statement.
    """

    kind: str
    blob: Blob


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bundle.

    Attributes:
        version: SemVer.
        platform: tag such as ``linux_x86_64-cp311``, None for any.
        archive: the bundle.
        signature: the signature beside it.
        evidence: further statements.
        published_at: RFC 3339 in UTC.
        type: of the plugin.
        license: SPDX expression.
        manifest_sha256: digest of the canonical manifest.
        permissions: as the manifest has them.
        plugin_dependencies: name -> range of versions.
        platform_version: range of the platform's versions, None for any.
        python_version: likewise of Python.
        signer: as the publisher's host verified it (`mobileops.runtime.trust.Signer.to_dict`).
        yanked: why it should not be installed any more, None if it may.
    """

    version: str
    platform: Platform | None = None
    archive: Blob
    signature: Blob
    evidence: tuple[Evidence, ...] = ()
    published_at: str
    type: str
    license: str
    manifest_sha256: str
    permissions: tuple[str, ...] = ()
    plugin_dependencies: dict[str, str] = {}
    platform_version: str | None = None
    python_version: str | None = None
    signer: dict[str, Any]
    yanked: str | None = None


class Handover(msgspec.Struct, frozen=True):
    """A name that went from one signer to another, with the reason that was given."""

    at: str
    reason: str
    before: dict[str, str]
    after: dict[str, str]


class Deprecated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plugin that is not developed any more, and what to use instead."""

    successor: str | None = None
    reason: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about one plugin.

    Attributes:
        name: of the plugin.
        description, author, homepage, keywords: for people; of the newest version, or of ``update-metadata``.
        owner: who signs this name, without what only one host knows (`mobileops.runtime.trust.Pin`).
        handovers: earlier owners.
        releases: newest version first.
        deprecated: None while it is developed.
    """

    format: int
    name: str
    description: str
    author: str
    homepage: str | None = None
    keywords: tuple[str, ...] = ()
    owner: dict[str, str]
    handovers: tuple[Handover, ...] = ()
    releases: tuple[Release, ...] = ()
    deprecated: Deprecated | None = None

    @property
    def newest(self) -> Release:
        """Return the release to show: the newest that is not yanked, else the newest."""
        return next((release for release in self.releases if release.yanked is None), self.releases[0])


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One version that could be installed, with what it needs: what a resolver chooses from.

    Attributes:
        name: of the plugin.
        version: of it.
        repository: name of the repository that has it.
        platform: tag of native code such as ``linux_x86_64-cp311``, None for any.
        python_version: versions of Python that it runs on, None for any.
        platform_version: versions of the platform, None for any.
        plugin_dependencies: name -> versions that it works with.
        permissions: that it asks for.
        size_bytes: of its archive.
        signer: as the publisher's host verified it; a hint, this host verifies for itself.
        yanked: why it should not be chosen, unless it is asked for exactly.
        deprecated: what the plugin's document says.
    """

    name: str
    version: Version
    repository: str
    platform: str | None
    python_version: VersionRange | None
    platform_version: VersionRange | None
    plugin_dependencies: dict[str, VersionRange]
    permissions: tuple[str, ...]
    size_bytes: int
    signer: dict[str, Any]
    yanked: str | None
    deprecated: Deprecated | None


def encode(document: Document) -> bytes:
    """Return the bytes of a document."""
    return msgspec.json.encode(document) + b"\n"


def decode(data: bytes, *, where: str) -> Document:
    """Return the document that `data` holds.

    Raises:
        RefusedError: ``MOP6108``, it is something else, or of a later format.
    """
    try:
        document = msgspec.json.decode(data, type=Document)
    except msgspec.DecodeError as error:
        raise _malformed(f"the document of a plugin has another shape: {error}", where) from error
    if document.format != FORMAT:
        raise _malformed(f"the document has the format {document.format}, this program reads {FORMAT}", where)
    if not document.releases:
        raise _malformed("the document of a plugin has no versions", where)
    return document


def candidates(document: Document, repository: str, *, where: str) -> tuple[Candidate, ...]:
    """Return every version of a document, newest first.

    Raises:
        RefusedError: ``MOP6108``, a version or a range is none.
    """
    try:
        return tuple(_candidate(document, release, repository) for release in document.releases)
    except ManifestError as error:
        raise _malformed(f"a document of the repository is malformed: {error.what}", where) from error


def _candidate(document: Document, release: Release, repository: str) -> Candidate:
    return Candidate(
        name=document.name,
        version=Version.parse(release.version),
        repository=repository,
        platform=release.platform,
        python_version=_range(release.python_version),
        platform_version=_range(release.platform_version),
        plugin_dependencies={name: VersionRange.parse(text) for name, text in release.plugin_dependencies.items()},
        permissions=release.permissions,
        size_bytes=release.archive.size_bytes,
        signer=release.signer,
        yanked=release.yanked,
        deprecated=document.deprecated,
    )


def _range(text: str | None) -> VersionRange | None:
    return None if text is None else VersionRange.parse(text)


def _malformed(what: str, where: str) -> RefusedError:
    return RefusedError(
        what,
        code="MOP6108",
        where=where,
        why="docs/reference/repository.md describes the documents",
        fix="upgrade MobileOps, or tell whoever runs the repository",
    )
