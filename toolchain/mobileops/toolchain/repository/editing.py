"""Say something new about what is published. No digest, and no version, ever changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mobileops.errors import NotFoundError, UsageError
from mobileops.manifest import Version
from mobileops.toolchain.repository import catalogue
from mobileops.toolchain.repository.publishing import described

if TYPE_CHECKING:
    from mobileops.manifest import Manifest
    from mobileops.runtime.repository.document import Deprecated, Document
    from mobileops.toolchain.repository.change import Change


class Edited(NamedTuple):
    """What an edit did.

    Attributes:
        name: of the plugin.
        changed: names of what is different now, sorted; () if the repository said so already.
    """

    name: str
    changed: tuple[str, ...]


def describe(change: Change, name: str, manifest: Manifest | None) -> Edited:
    """Take over description, author, homepage and keywords from a manifest; sign the repository anew in any case."""
    document = catalogue.required(change, name)
    return _store(change, document, described(document, manifest) if manifest else document, renew=True)


def yank(change: Change, name: str, version: Version, *, reason: str | None) -> Edited:
    """Advise against a version, with a reason; without one, take that back. Who has it keeps it.

    Raises:
        NotFoundError: ``MOP6109`` no such plugin, ``MOP6110`` no such version.
    """
    document = catalogue.required(change, name)
    if all(Version.parse(release.version) != version for release in document.releases):
        known = ", ".join(dict.fromkeys(release.version for release in document.releases))
        raise NotFoundError(
            f"{name!r} has no version {version}", code="MOP6110", why=f"there are {known}", fix=f"mobileops info {name}"
        )
    releases = tuple(
        msgspec.structs.replace(release, yanked=reason) if Version.parse(release.version) == version else release
        for release in document.releases
    )
    return _store(change, document, msgspec.structs.replace(document, releases=releases))


def deprecate(change: Change, name: str, deprecated: Deprecated | None) -> Edited:
    """Advise against a plugin, and name its successor; with None, take that back.

    Raises:
        NotFoundError: ``MOP6109``, the plugin or its successor is not in the repository.
        UsageError: ``MOP6130``, it is its own successor.
    """
    document = catalogue.required(change, name)
    if deprecated and deprecated.successor:
        if deprecated.successor == name:
            raise UsageError(f"{name!r} cannot succeed itself", code="MOP6130", fix="name another plugin")
        catalogue.required(change, deprecated.successor)
    return _store(change, document, msgspec.structs.replace(document, deprecated=deprecated))


def _store(change: Change, before: Document, after: Document, *, renew: bool = False) -> Edited:
    keys = [key for key in before.__struct_fields__ if getattr(before, key) != getattr(after, key)]
    if keys:
        catalogue.store(change, after)
    if keys or renew or change.is_due():
        change.commit()
    return Edited(before.name, tuple(sorted(keys)))
