"""The list of what is vendored: ``.mobileops/sbom.cdx.json``, CycloneDX 1.6 (ECMA-424).

Law: the bytes depend on the manifest, the lock and the installed wheels alone. So there is no timestamp, no name of the
tool that wrote it, and the serial number is derived from the rest of the document (UUID version 5, RFC 9562).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mobileops.manifest import canonical
from mobileops.toolchain.pack.distributions import dependency_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.manifest import Manifest
    from mobileops.toolchain.pack.distributions import Distribution

SPEC_VERSION: Final = "1.6"
_SERIAL_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://mobileops.dev/bundle/sbom")


def write_sbom(
    manifest: Manifest,
    distributions: Sequence[Distribution] = (),
    *,
    hashes: Mapping[str, Sequence[str]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Return the document as canonical JSON.

    Args:
        manifest: of the plugin.
        distributions: what is vendored.
        hashes: normal name -> SHA-256 that the lock accepts, lowercase hex digits. One is the hash of the wheel that
            is vendored; several are those of all wheels of the release.
        environment: marker variables of the system that the bundle is for.
    """
    plugin = _plugin(manifest)
    graph = {"": ()} if not distributions else _graph(manifest, distributions, environment)
    references = {"": plugin["bom-ref"], **{one.normal_name: _purl(one) for one in distributions}}
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {"component": plugin},
        "components": [_component(one, tuple((hashes or {}).get(one.normal_name, ()))) for one in distributions],
        "dependencies": [
            {"ref": references[name], "dependsOn": [references[needed] for needed in graph[name]]}
            for name in sorted(graph)
        ],
    }
    serial = uuid.uuid5(_SERIAL_NAMESPACE, canonical(document).decode())
    return canonical({**document, "serialNumber": f"urn:uuid:{serial}"})


def _graph(
    manifest: Manifest, distributions: Sequence[Distribution], environment: Mapping[str, str] | None
) -> Mapping[str, tuple[str, ...]]:
    return dependency_graph(manifest.dependencies, distributions, environment=environment)


def _plugin(manifest: Manifest) -> dict[str, Any]:
    purl = f"pkg:generic/{quote(manifest.name)}@{quote(str(manifest.version))}"
    return {
        "type": "application",
        "bom-ref": purl,
        "name": manifest.name,
        "version": str(manifest.version),
        "description": manifest.description,
        "purl": purl,
        "licenses": [{"license": {"name": manifest.license}}],
    }


def _component(distribution: Distribution, hashes: tuple[str, ...]) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(distribution),
        "name": distribution.name,
        "version": distribution.version,
        "purl": _purl(distribution),
        "scope": "required",
    }
    if distribution.summary:
        component["description"] = distribution.summary
    if distribution.licence:
        name = distribution.licence
        component["licenses"] = [
            {"expression": name} if distribution.licence_is_expression else {"license": {"name": name}}
        ]
    listed = [{"alg": "SHA-256", "content": digest} for digest in sorted(hashes)]
    if len(listed) == 1:
        component["hashes"] = listed
    elif listed:
        # Which of them was installed the lock does not say; this is how CycloneDX lists alternatives.
        component["externalReferences"] = [{"type": "distribution", "url": _purl(distribution), "hashes": listed}]
    return component


def _purl(distribution: Distribution) -> str:
    return f"pkg:pypi/{distribution.normal_name}@{quote(distribution.version)}"
