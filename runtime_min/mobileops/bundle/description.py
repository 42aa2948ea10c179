"""What a bundle says about itself: its API, its vendored dependencies, and what its author overrode.

The packer derives the first two from the source (``.mobileops/api.json``, ``.mobileops/sbom.cdx.json``) and notes the
last (``.mobileops/overrides.json``). For a reader they are claims of whoever made the bundle: their shape is checked,
their truth is not, and nothing is decided by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from mobileops.bundle.codes import Code
from mobileops.bundle.layout import API_MEMBER, OVERRIDES_MEMBER, SBOM_MEMBER
from mobileops.bundle.refusal import member_place, refuse
from mobileops.errors import ManifestError
from mobileops.manifest import json_text

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.bundle.files import FileTable

MAX_API_BYTES: Final = 4 << 20
MAX_SBOM_BYTES: Final = 16 << 20
MAX_OVERRIDES_BYTES: Final = 1 << 20


class Readable(Protocol):
    """Where members can be read: an open bundle, or the same files installed."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def files(self) -> FileTable:
        """The checked file table."""
        ...

    def read(self, name: str, *, limit: int) -> bytes:
        """Return a member of at most ``limit`` bytes."""
        ...


class Method(msgspec.Struct, frozen=True):
    """One method that others may call (``schema/bundle/v1/api.schema.json``)."""

    params: dict[str, Any]
    positional: tuple[str, ...]
    returns: dict[str, Any]
    rest: dict[str, Any] | None = None
    description: str = ""
    timeout: float | None = None


class Topics(msgspec.Struct, frozen=True):
    """Events that the plugin sends, and that it wants."""

    publishes: tuple[str, ...]
    subscribes: tuple[str, ...]


class Api(msgspec.Struct, frozen=True):
    """The content of ``.mobileops/api.json``."""

    methods: dict[str, Method]
    events: Topics
    hooks: tuple[str, ...]
    complete: bool
    cls: str | None = msgspec.field(name="class")
    base_class: str | None
    definitions: dict[str, Any] = msgspec.field(name="$defs", default={})


class Hash(msgspec.Struct, frozen=True):
    """A digest of a component."""

    alg: str
    content: str


class Reference(msgspec.Struct, frozen=True):
    """Where a component comes from."""

    type: str
    hashes: tuple[Hash, ...] = ()


class LicenceName(msgspec.Struct, frozen=True):
    """A licence that is no expression."""

    id: str = ""
    name: str = ""


class Licence(msgspec.Struct, frozen=True):
    """The licence of a component: an SPDX expression, or a name."""

    expression: str = ""
    license: LicenceName = LicenceName()

    def __str__(self) -> str:
        return self.expression or self.license.id or self.license.name


class Component(msgspec.Struct, frozen=True, rename={"external_references": "externalReferences"}):
    """One vendored distribution."""

    name: str
    version: str
    purl: str = ""
    hashes: tuple[Hash, ...] = ()
    licenses: tuple[Licence, ...] = ()
    external_references: tuple[Reference, ...] = ()

    @property
    def sha256(self) -> frozenset[str]:
        """Return the SHA-256 of the distribution; several when it is one of them."""
        referred = (one for reference in self.external_references for one in reference.hashes)
        return frozenset(one.content for one in (*self.hashes, *referred) if one.alg == "SHA-256")


class Sbom(msgspec.Struct, frozen=True):
    """The content of ``.mobileops/sbom.cdx.json``, as far as it is looked at."""

    components: tuple[Component, ...]


class Override(msgspec.Struct, frozen=True):
    """Why packing would have refused a file that its author allowed."""

    code: str
    found: str


class Overrides(msgspec.Struct, frozen=True):
    """The content of ``.mobileops/overrides.json``: member name -> what was allowed there."""

    members: dict[str, Override]


T = TypeVar("T", Api, Sbom, Overrides)


def read_api(bundle: Readable) -> Api | None:
    """Return what the bundle says about its API, or None when it says nothing.

    Raises:
        BundleRefused: the member is malformed (MOP2501) or too large (MOP2313).
    """
    return _read(bundle, API_MEMBER, Api, MAX_API_BYTES)


def read_sbom(bundle: Readable) -> Sbom | None:
    """Return what the bundle says about its vendored dependencies, or None when it says nothing.

    Raises:
        BundleRefused: the member is malformed (MOP2501) or too large (MOP2313).
    """
    return _read(bundle, SBOM_MEMBER, Sbom, MAX_SBOM_BYTES)


def read_overrides(bundle: Readable) -> dict[str, Override]:
    """Return what the author allowed although packing refuses it: member name -> what it is.

    Raises:
        BundleRefused: the member is malformed (MOP2501) or too large (MOP2313).
    """
    found = _read(bundle, OVERRIDES_MEMBER, Overrides, MAX_OVERRIDES_BYTES)
    return found.members if found else {}


def _read(bundle: Readable, name: str, shape: type[T], limit: int) -> T | None:
    if name not in bundle.files.entries:
        return None
    where = member_place(bundle.path.name, name.encode())
    try:
        document = json_text.loads(bundle.read(name, limit=limit), where=where, limit=limit)
        return msgspec.convert(document, shape)
    except ManifestError as error:
        refuse(Code.DESCRIPTION, f"{name} is not strict JSON: {error.what}", where=where, cause=error)
    except msgspec.ValidationError as error:
        refuse(Code.DESCRIPTION, f"{name} has another shape: {error}", where=where, cause=error)
