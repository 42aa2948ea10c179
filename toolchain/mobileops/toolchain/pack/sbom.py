"""The list of what is vendored: ``.mobileops/sbom.cdx.json``, CycloneDX 1.6 (ECMA-424).

Law: the bytes depend on the manifest, the lock and the installed wheels alone. So there is no timestamp, no name of the
tool that wrote it, and the serial number is derived from the rest of the document (UUID version 5, RFC 9562).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mobileops.manifest import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobileops.manifest import Manifest
    from mobileops.toolchain.pack.distributions import Distribution

SPEC_VERSION: Final = "1.6"
_SERIAL_NAMESPACE: Final = bytes.fromhex("731a20b0dcc55ea3ae7bc234c1fbe5f2")
"""The UUID version 5 of https://mobileops.dev/bundle/sbom in the namespace of URLs."""


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
    return canonical({**document, "serialNumber": f"urn:uuid:{_serial(canonical(document))}"})


def _serial(content: bytes) -> str:
    """Return the UUID version 5 of `content` (RFC 9562, section 5.5).

    The same as `uuid.uuid5`, whose import takes a tenth of the time that a small plugin is packed in.
    """
    digest = bytearray(hashlib.sha1(_SERIAL_NAMESPACE + content, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _graph(
    manifest: Manifest, distributions: Sequence[Distribution], environment: Mapping[str, str] | None
) -> Mapping[str, tuple[str, ...]]:
    from mobileops.toolchain.pack.distributions import dependency_graph  # noqa: PLC0415 - most plugins have none

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
