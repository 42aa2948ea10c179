"""Add a verified bundle to a repository: once, under a name that its signer owns, and never again with other bytes.

Takes nothing but a `VerifiedBundle`: what a publisher's own host does not trust is not offered to others.

1. The name is that of its owner: the first to publish it, and nobody else until the repository says so (`Handover`).
2. A new name does not look like one that is there.
3. The version and platform are new; the same bytes again are no change, other bytes are refused.
4. Blobs, document, search log: one commit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from mobileops.bundle.filename import SIGNATURE_SUFFIX
from mobileops.errors import RefusedError
from mobileops.manifest import Version
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.repository import document as documents
from mobileops.runtime.repository.document import Blob, Document, Evidence, Handover, Release
from mobileops.toolchain.repository import catalogue, names

if TYPE_CHECKING:
    from mobileops.manifest import Manifest
    from mobileops.runtime.trust import VerifiedBundle
    from mobileops.toolchain.repository.change import Change

KINDS: Final = ("provenance", "sbom")
MAX_EVIDENCE_BYTES: Final = 32 << 20
_PLATFORM: Final = re.compile(r"-(linux_[a-z0-9_]+-cp3[0-9]+)\.zip")


class Published(NamedTuple):
    """What publishing did.

    Attributes:
        name, version, sha256: of the bundle.
        new_plugin: whether the name is new here.
        changed: False if the repository had these bytes already.
    """

    name: str
    version: str
    sha256: str
    new_plugin: bool
    changed: bool


def publish(change: Change, verified: VerifiedBundle, *, handover: str | None = None) -> Published:
    """Publish a bundle, and commit.

    Args:
        change: of the repository.
        verified: the bundle, open.
        handover: why the name may go to another signer; None if it may not.

    Raises:
        RefusedError: ``MOP6127`` other bytes are published already, ``MOP6128`` the name has another owner,
            ``MOP6129`` it looks like another name; or as `changing`.
    """
    name, version = verified.manifest.name, str(verified.manifest.version)
    before = catalogue.load(change, name)
    owned = _owned(before or _fresh(verified), verified, handover=handover, now=change.now.isoformat())
    if before is None:
        names.claim(change, name)
    release = _release(change, verified)
    changed = _is_new(owned, release) or owned != before
    if changed:
        _keep(change, verified, release)
        catalogue.store(change, _with(owned, release, verified.manifest))
        change.commit()
    return Published(name, version, verified.sha256, new_plugin=before is None, changed=changed)


def described(document: Document, manifest: Manifest) -> Document:
    """Return a document with the words of a manifest."""
    source = manifest.document
    return msgspec.structs.replace(
        document,
        description=manifest.description,
        author=manifest.author,
        homepage=source.get("homepage"),
        keywords=tuple(source.get("keywords", ())),
    )


def _fresh(verified: VerifiedBundle) -> Document:
    manifest = verified.manifest
    return Document(
        format=documents.FORMAT,
        name=manifest.name,
        description=manifest.description,
        author=manifest.author,
        owner=_owner(verified),
    )


def _owner(verified: VerifiedBundle) -> dict[str, str]:
    """Return who owns what this signer publishes: the pin, without the root's name, which is this host's own word."""
    return {key: value for key, value in verified.pin.to_dict().items() if key != "root"}


def _owned(document: Document, verified: VerifiedBundle, *, handover: str | None, now: str) -> Document:
    """1: whose name is it?"""
    owner = _owner(verified)
    if owner == document.owner:
        return document
    if handover is None:
        listed = ", ".join(f"{key} {value!r}" for key, value in document.owner.items())
        raise RefusedError(
            f"{document.name!r} belongs to another signer: {listed}",
            code="MOP6128",
            where=str(verified.bundle.path),
            why=f"this bundle is signed by {verified.signer.summary}; a name belongs to whoever published it first",
            fix="choose another name, or, if the publisher changed: mobileops publish --new-signer REASON",
        )
    entry = Handover(now, handover, document.owner, owner)
    return msgspec.structs.replace(document, owner=owner, handovers=(*document.handovers, entry))


def _is_new(document: Document, release: Release) -> bool:
    """3: is it new, or the same?"""
    version = Version.parse(release.version)
    for known in document.releases:
        if known.platform != release.platform or Version.parse(known.version) != version:
            continue
        if known.archive == release.archive and known.version == release.version:
            return False
        raise RefusedError(
            f"{document.name} {known.version} is published already, with other bytes",
            code="MOP6127",
            why=f"a version never changes: published is {known.archive.sha256}, this is {release.archive.sha256}",
            fix="give it a new version, package and sign it; 'mobileops yank' advises against the published one",
        )
    return True


def _release(change: Change, verified: VerifiedBundle) -> Release:
    manifest, path = verified.manifest, verified.bundle.path
    compatibility = manifest.compatibility
    platform = _PLATFORM.search(path.name)
    return Release(
        version=str(manifest.version),
        platform=platform[1] if platform else None,
        archive=Blob(verified.sha256, verified.bundle.size_bytes),
        signature=change.add(verified.signature),
        evidence=tuple(_evidence(change, path)),
        published_at=change.now.isoformat(),
        type=manifest.type,
        license=manifest.license,
        manifest_sha256=manifest.digest,
        permissions=tuple(map(str, manifest.permissions)),
        plugin_dependencies={name: str(wanted) for name, wanted in manifest.plugin_dependencies.items()},
        platform_version=_text(compatibility.platform_version),
        python_version=_text(compatibility.python_version),
        signer=verified.signer.to_dict(),
    )


def _evidence(change: Change, bundle: Path) -> list[Evidence]:
    """Return the further statements beside a bundle, kept as blobs."""
    found = []
    for kind in KINDS:
        path = bundle.with_name(f"{bundle.name}.{kind}{SIGNATURE_SUFFIX}")
        if path.is_file():
            found.append(Evidence(kind, change.add(read_regular(path, limit=MAX_EVIDENCE_BYTES))))
    return found


def _keep(change: Change, verified: VerifiedBundle, release: Release) -> None:
    change.add_file(Path(verified.bundle.path), release.archive)


def _with(document: Document, release: Release, manifest: Manifest) -> Document:
    """Return the document with a release in its place; the words are those of the newest."""
    known = [one for one in document.releases if (one.version, one.platform) != (release.version, release.platform)]
    releases = sorted([release, *known], key=lambda one: (Version.parse(one.version), one.platform or ""), reverse=True)
    found = msgspec.structs.replace(document, releases=tuple(releases))
    return described(found, manifest) if releases[0].version == release.version else found


def _text(value: Any) -> str | None:  # noqa: ANN401 - a range or None
    return None if value is None else str(value)
