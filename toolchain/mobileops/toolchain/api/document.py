"""Put ``.mobileops/api.json`` together: what the code says, under what the manifest says.

The document is described by ``schema/bundle/v1/api.schema.json`` and written as canonical JSON (RFC 8785), so it
depends on the manifest and on the Python files that its entry point leads to, and on nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest import canonical
from mobileops.toolchain.api.methods import exported_methods, plugin_class, signature, topics
from mobileops.toolchain.api.modules import MAX_FILE_BYTES, Sources
from mobileops.toolchain.api.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.toolchain.api.methods import PluginClass

API_VERSION: Final = 1


def describe_files(manifest: Manifest, files: Mapping[str, Path]) -> bytes:
    """Return the document of a plugin whose files lie on disk.

    Args:
        manifest: of the plugin.
        files: member name -> where its content lies, for what goes into the bundle.
    """

    def read(name: str) -> bytes | None:
        path = files.get(name)
        if path is None:
            return None
        try:
            with path.open("rb") as stream:
                return stream.read(MAX_FILE_BYTES + 1)
        except OSError:
            return None  # packing opens it too, and says so

    return describe(manifest, read)


def describe(manifest: Manifest, read: Callable[[str], bytes | None]) -> bytes:
    """Return the document as canonical JSON.

    Args:
        manifest: of the plugin.
        read: returns the content of a file of the plugin, or None.
    """
    sources = Sources(read)
    schemas = Schemas(sources)
    cls = plugin_class(sources, manifest.entry_point)
    found = exported_methods(sources, cls) if cls else {}
    methods = {name: signature(schemas, module, function) for name, (module, function) in found.items()}
    document: dict[str, Any] = {
        "api_version": API_VERSION,
        "name": manifest.name,
        "version": str(manifest.version),
        "type": manifest.type,
        "class": cls.name if cls else None,
        "base_class": cls.base if cls else None,
        "complete": cls is not None and cls.complete,
        "methods": _merged(methods, manifest.methods),
        "events": _events(manifest, cls),
        "hooks": sorted(manifest.hooks),
    }
    if cls is not None and cls.docstring:
        document["description"] = cls.docstring
    if schemas.definitions:
        document["$defs"] = schemas.definitions
    return canonical(document)


def _merged(methods: dict[str, dict[str, Any]], declared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Let what the manifest says of a method replace what its code says."""
    open_ended = {"params": {"type": "object"}, "positional": [], "returns": {}}
    names = sorted({*methods, *declared})
    return {name: {**methods.get(name, open_ended), **declared.get(name, {})} for name in names}


def _events(manifest: Manifest, cls: PluginClass | None) -> dict[str, list[str]]:
    publishes, subscribes = set(manifest.events.publishes), set(manifest.events.subscribes)
    if cls is not None:
        publishes |= topics(cls, "publish")
        subscribes |= topics(cls, "subscribe")
    return {"publishes": sorted(publishes), "subscribes": sorted(subscribes)}
