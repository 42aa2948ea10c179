"""Compare two versions of a plugin: bundles, or what is installed.

Both were read strictly and nothing of them is executed or believed: their tables and manifests are checked, and what
they say about their API is a claim that is only ever compared with another claim.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from mobileops.bundle import FILES_MEMBER, MANIFEST_MEMBER, read_api, read_sbom
from mobileops.bundle.description import Readable
from mobileops.bundle.layout import RESERVED_FOLDER
from mobileops.errors import MobileOpsError
from mobileops.runtime.comparison.api import api_changes
from mobileops.runtime.comparison.change import Change, Level, actual_step, required_step
from mobileops.runtime.comparison.permissions import permission_changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mobileops.bundle import FileEntry
    from mobileops.manifest import Manifest

OTHER_PLUGIN: Final = "MOP2510"
_MAX_SHOWN: Final = 200
_OF_ITS_OWN: Final = frozenset(
    {"name", "version", "permissions", "configuration", "configuration_schema", "dependencies", "methods", "events"}
    | {"hooks", "permission_reasons", "$schema"}
)
"""Keys of the manifest that another section speaks about, or nobody runs."""


class Version(Readable, Protocol):
    """One version: a `mobileops.bundle.Bundle`, or a `mobileops.runtime.store.InstalledFiles`."""

    @property
    def manifest(self) -> Manifest:
        """The checked manifest."""
        ...

    @property
    def sha256(self) -> str:
        """Digest of the bundle."""
        ...

    @property
    def size_bytes(self) -> int:
        """Size of it."""
        ...

    def check_members(self) -> None:
        """Refuse members that are not what the file table says."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """One of the two bundles: the version, the digest of the file, and its size."""

    version: str
    sha256: str
    size_bytes: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is different.

    Attributes:
        name: of the plugin.
        sections: title -> changes; in a fixed order, empty ones too.
        required: the step of the version that the changes ask for.
        actual: the step it makes; None when it goes backwards.
        complete: False when a bundle does not describe its whole API, so that there may be more.
    """

    name: str
    old: Side
    new: Side
    sections: Mapping[str, tuple[Change, ...]]
    required: Level
    actual: Level | None
    complete: bool

    @property
    def is_sufficient(self) -> bool:
        """Tell whether the version says what changed; an identical file needs no new one."""
        return self.actual is not None and self.actual >= self.required

    def to_dict(self) -> dict[str, Any]:
        """Return the form of ``schema/cli/diff.v1.schema.json``."""
        return {
            "name": self.name,
            "old": dataclasses.asdict(self.old),
            "new": dataclasses.asdict(self.new),
            "identical": self.old.sha256 == self.new.sha256,
            "version_step": {
                "required": self.required.name.lower(),
                "actual": "backwards" if self.actual is None else self.actual.name.lower(),
                "sufficient": self.is_sufficient,
            },
            "api_complete": self.complete,
            **{
                title: [{**dataclasses.asdict(change), "level": change.level.name.lower()} for change in changes]
                for title, changes in self.sections.items()
            },
        }


def compare(old: Version, new: Version) -> Comparison:
    """Return the differences between two versions of one plugin.

    Raises:
        BundleRefused: a member is not what the file table says, or a description is malformed.
        MobileOpsError: they are two different plugins (MOP2510).
    """
    before, after = old.manifest, new.manifest
    if before.name != after.name:
        raise MobileOpsError(
            f"{before.name!r} and {after.name!r} are two plugins",
            code=OTHER_PLUGIN,
            where=new.path.name,
            why="versions of one plugin are compared",
            fix="name two bundles of the same plugin",
        )
    for bundle in (old, new):
        bundle.check_members()
    was, now = read_api(old), read_api(new)
    api = tuple(api_changes(was, now)) if was is not None and now is not None else ()
    sections = {
        "permissions": tuple(permission_changes(before.permissions, after.permissions)),
        "api": api,
        "dependencies": tuple(_dependencies(old, new)),
        "configuration": tuple(_configuration(before, after)),
        "manifest": tuple(_manifest(before, after)),
        "files": tuple(_files(old.files.entries, new.files.entries)),
    }
    level = max((change.level for changes in sections.values() for change in changes), default=Level.NONE)
    return Comparison(
        name=before.name,
        old=Side(str(before.version), old.sha256, old.size_bytes),
        new=Side(str(after.version), new.sha256, new.size_bytes),
        sections=sections,
        required=required_step(level, before.version),
        actual=actual_step(before.version, after.version),
        complete=all(one is not None and one.complete for one in (was, now)),
    )


def _dependencies(old: Version, new: Version) -> Iterator[Change]:
    """Compare what is vendored; a replaced file of the same version shows too."""
    before, after = (
        {one.name: one for one in (sbom.components if sbom else ())} for sbom in (read_sbom(old), read_sbom(new))
    )
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name), after.get(name)
        if left is None or right is None:
            yield Change(
                "added" if left is None else "removed",
                name,
                left.version if left else None,
                right.version if right else None,
            )
        elif left.version != right.version:
            yield Change("changed", name, left.version, right.version)
        elif left.sha256 and right.sha256 and not left.sha256 & right.sha256:
            yield Change("changed", f"{name} {left.version}, its hash", min(left.sha256), min(right.sha256))


def _configuration(old: Manifest, new: Manifest) -> Iterator[Change]:
    """Compare settings: an operator has set some of them, so one that goes, or must be set, breaks."""
    for name in sorted(old.configuration.keys() | new.configuration.keys()):
        known = name in old.configuration, name in new.configuration
        values = (_shown(old.configuration.get(name)), _shown(new.configuration.get(name)))
        if known == (True, False) and name not in new.configuration_schema:
            yield Change("removed", name, before=values[0], level=Level.MAJOR)
        elif known == (False, True) and name not in old.configuration_schema:
            yield Change("added", name, after=values[1], level=Level.MINOR)
        elif values[0] != values[1]:
            yield Change("changed", f"{name}, its default", *values, level=Level.MINOR)
    definitions = (old.configuration_schema, new.configuration_schema)
    for name in sorted(definitions[0].keys() | definitions[1].keys()):
        left, right = (_definition(found.get(name)) for found in definitions)
        if left == right:
            continue
        if name not in definitions[1]:
            level = Level.MINOR if name in new.configuration else Level.MAJOR
            yield Change("removed", f"{name}, its definition", _shown(left), level=level)
        elif name not in definitions[0]:
            # A definition of a setting that was free before may refuse what an operator has set.
            must = bool(right.get("required")) or name in old.configuration
            yield Change("added", f"{name}, its definition", None, _shown(right), Level.MAJOR if must else Level.MINOR)
        else:
            yield Change("changed", f"{name}, its definition", _shown(left), _shown(right), Level.MAJOR)


def _definition(value: object) -> dict[str, Any]:
    """Return the definition of a setting without what only people read."""
    notes = {"description", "title", "examples", "default"}
    return {key: part for key, part in value.items() if key not in notes} if isinstance(value, dict) else {}


def _manifest(old: Manifest, new: Manifest) -> Iterator[Change]:
    for key in sorted((old.document.keys() | new.document.keys()) - _OF_ITS_OWN):
        left, right = old.document.get(key), new.document.get(key)
        if left != right:
            kind = "added" if left is None else "removed" if right is None else "changed"
            level = Level.MAJOR if key == "type" else Level.MINOR if key in _CONDITIONS else Level.PATCH
            before, after = (None if value is None else _shown(value) for value in (left, right))
            yield Change(kind, key, before, after, level)


_CONDITIONS: Final = frozenset({"compatibility", "plugin_dependencies", "resources"})
"""What has to be true of the device: an operator plans with it."""


def _files(old: Mapping[str, FileEntry], new: Mapping[str, FileEntry]) -> Iterator[Change]:
    skipped = {MANIFEST_MEMBER, FILES_MEMBER}
    for name in sorted((old.keys() | new.keys()) - skipped):
        left, right = old.get(name), new.get(name)
        # What packing writes itself says what the other sections say; it asks for no step of its own.
        level = Level.NONE if name.startswith(RESERVED_FOLDER) else Level.PATCH
        if left is None or right is None:
            kind = "added" if left is None else "removed"
            yield Change(kind, name, _size(left), _size(right), level)
        elif left.sha256 != right.sha256:
            yield Change("changed", name, _size(left), _size(right), level)
        elif left.mode != right.mode:
            yield Change("changed", f"{name}, its mode", f"{left.mode:04o}", f"{right.mode:04o}", level)


def _size(entry: FileEntry | None) -> str | None:
    return None if entry is None else f"{entry.size:,} bytes"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, sort_keys=True)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
