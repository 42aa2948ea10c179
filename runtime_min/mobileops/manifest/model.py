"""The manifest as an immutable, checked value.

``check`` reports everything that is wrong with a document; ``parse`` returns a ``Manifest`` or raises with all of it.
A manifest keeps the document it was made from, so that ``canonical`` is exact::

    parse(m.canonical()) == m
    m.digest == sha256(m.canonical()).hexdigest()

Whoever holds a ``Manifest`` need not check it again.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import ManifestError
from mobileops.manifest._checking import check
from mobileops.manifest.json_text import canonical, loads
from mobileops.manifest.permissions import Permission
from mobileops.manifest.versions import Version, VersionRange

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Compatibility", "Events", "Health", "Manifest", "Resources", "check", "parse"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_UNITS: Final = MappingProxyType({"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30})


class Compatibility(NamedTuple):
    """What the plugin runs on; None means that it does not say."""

    platform_version: VersionRange | None = None
    python_version: VersionRange | None = None


class Resources(NamedTuple):
    """Upper bounds for the plugin's process group; defaults are those of the schema.

    Attributes:
        cpu: processor cores, 0.5 is half of one.
        processes: processes and threads together.
        open_files: file descriptors of one process.
        file_size_bytes: largest file it may write.
        start_timeout_s: seconds from start to ready.
        stop_timeout_s: seconds from the request to stop until it is killed.
    """

    memory_bytes: int = 256 << 20
    cpu: float = 1.0
    processes: int = 64
    open_files: int = 256
    file_size_bytes: int = 1 << 30
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0


class Health(NamedTuple):
    """How the supervisor asks whether the plugin is well.

    Attributes:
        interval_s: seconds between two questions.
        timeout_s: seconds to wait for an answer.
        failures: missed answers in a row that end the process.
    """

    interval_s: float = 10.0
    timeout_s: float = 2.0
    failures: int = 3


class Events(NamedTuple):
    """Topics the plugin sends, and topic patterns it wants to receive."""

    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()


class Manifest(NamedTuple):
    """A checked plugin.json; the keys are explained in docs/reference/manifest.md.

    Attributes:
        entry_point: relative POSIX path of the module with the plugin class.
        configuration: default settings as written.
        configuration_schema: setting name to its definition.
        hooks: hook name to relative POSIX path.
        methods: method name to its description and JSON Schemas.
        document: the whole checked document; treat it as read-only at every depth.
    """

    name: str
    version: Version
    description: str
    author: str
    license: str
    type: str
    entry_point: str
    dependencies: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    configuration: Mapping[str, Any] = _NOTHING
    configuration_schema: Mapping[str, Any] = _NOTHING
    compatibility: Compatibility = Compatibility()
    hooks: Mapping[str, str] = _NOTHING
    resources: Resources = Resources()
    events: Events = Events()
    plugin_dependencies: Mapping[str, VersionRange] = _NOTHING
    methods: Mapping[str, Any] = _NOTHING
    health: Health = Health()
    document: Mapping[str, Any] = _NOTHING

    def canonical(self) -> bytes:
        """Return the document as RFC 8785 JSON: the bytes a bundle carries."""
        return canonical(self.document)

    @property
    def digest(self) -> str:
        """Return the lowercase hex SHA-256 of ``canonical()``."""
        import hashlib  # noqa: PLC0415 - not needed to check a manifest

        return hashlib.sha256(self.canonical()).hexdigest()


def parse(data: bytes, *, where: str = "plugin.json") -> Manifest:
    """Return the manifest that a plugin.json file holds.

    Raises:
        ManifestError: with every finding; warnings alone do not raise.
    """
    document = loads(data, where=where)
    found = check(document, where=where)
    if any(finding.severity == "error" for finding in found):
        raise ManifestError(found, where=where)
    return _build(document)


def _build(document: dict[str, Any]) -> Manifest:
    """Turn a document without errors into a value."""
    events = document.get("events", {})
    return Manifest(
        **{key: document[key] for key in ("name", "description", "author", "license", "type", "entry_point")},
        version=Version.parse(document["version"]),
        dependencies=tuple(document.get("dependencies", ())),
        permissions=tuple(map(Permission.parse, document.get("permissions", ()))),
        compatibility=Compatibility(**_ranges(document.get("compatibility", {}))),
        resources=_resources(document.get("resources", {})),
        events=Events(tuple(events.get("publishes", ())), tuple(events.get("subscribes", ()))),
        plugin_dependencies=MappingProxyType(_ranges(document.get("plugin_dependencies", {}))),
        health=_health(document.get("health", {})),
        configuration=MappingProxyType(document.get("configuration", {})),
        configuration_schema=MappingProxyType(document.get("configuration_schema", {})),
        hooks=MappingProxyType(document.get("hooks", {})),
        methods=MappingProxyType(document.get("methods", {})),
        document=MappingProxyType(document),
    )


def _ranges(texts: Mapping[str, str]) -> dict[str, VersionRange]:
    """Parse every value of an object of ranges."""
    return {name: VersionRange.parse(text) for name, text in texts.items()}


def _resources(given: Mapping[str, Any]) -> Resources:
    """Return the limits with units resolved and defaults filled in."""
    default = Resources()
    if not given:
        return default
    return Resources(
        memory_bytes=_bytes(given.get("memory")) or default.memory_bytes,
        cpu=float(given.get("cpu", default.cpu)),
        processes=int(given.get("processes", default.processes)),
        open_files=int(given.get("open_files", default.open_files)),
        file_size_bytes=_bytes(given.get("file_size")) or default.file_size_bytes,
        start_timeout_s=float(given.get("start_timeout", default.start_timeout_s)),
        stop_timeout_s=float(given.get("stop_timeout", default.stop_timeout_s)),
    )


def _health(given: Mapping[str, Any]) -> Health:
    """Return the health question with defaults filled in."""
    default = Health()
    if not given:
        return default
    return Health(
        interval_s=float(given.get("interval", default.interval_s)),
        timeout_s=float(given.get("timeout", default.timeout_s)),
        failures=int(given.get("failures", default.failures)),
    )


def _bytes(size: str | None) -> int:
    """Return a size such as ``64MiB`` in bytes, 0 for none."""
    return int(size[:-3]) * _UNITS[size[-3:]] if size else 0
