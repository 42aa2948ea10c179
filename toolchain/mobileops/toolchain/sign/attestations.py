"""Further statements about a bundle, beside the one that publishes it: where it comes from, and what is in it.

``BUNDLE.provenance.sigstore.json``
    SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance): what was built, from which commit, by which packer.
``BUNDLE.sbom.sigstore.json``
    the bill of materials of the archive, CycloneDX (https://cyclonedx.org/bom), exactly as the archive holds it.

Both have the two subjects of the publishing statement. Installing needs neither: they are for those who ask later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.bundle import SBOM_MEMBER
from mobileops.manifest.json_text import loads
from mobileops.toolchain import __version__
from mobileops.toolchain.sign.statement import TOOL_NAME, state

if TYPE_CHECKING:
    from mobileops.bundle import Bundle
    from mobileops.toolchain.sign.statement import BuildInputs, Source

PROVENANCE_TYPE: Final = "https://slsa.dev/provenance/v1"
SBOM_TYPE: Final = "https://cyclonedx.org/bom"
BUILD_TYPE: Final = "https://mobileops.dev/buildtypes/package/v1"
BUILDER: Final = "https://mobileops.dev/builders/toolchain"
MAX_SBOM_BYTES: Final = 16 << 20


def provenance(bundle: Bundle, *, source: Source | None, inputs: BuildInputs) -> bytes:
    """Return the statement of how a bundle was built.

    The builder is this toolchain in the hands of whoever signs: it is the signature that says where it ran.
    """
    manifest = bundle.manifest
    definition: dict[str, Any] = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "plugin": manifest.name,
            "version": str(manifest.version),
            **({"source": source.to_dict()} if source else {}),
        },
        "internalParameters": inputs.to_dict(),
    }
    if source is not None and not source.dirty:
        # Only a clean tree is what the commit says: otherwise the commit is a parameter, and no dependency.
        uri = f"git+{source.repository}@{source.commit}"
        definition["resolvedDependencies"] = [{"uri": uri, "digest": {"gitCommit": source.commit}}]
    builder = {"id": BUILDER, "version": {TOOL_NAME: __version__}}
    return state(bundle, PROVENANCE_TYPE, {"buildDefinition": definition, "runDetails": {"builder": builder}})


def sbom(bundle: Bundle) -> bytes | None:
    """Return the statement of what is in a bundle, None if it holds no bill of materials.

    Raises:
        BundleRefused: the member is damaged or too large.
        ManifestError: it is not strict JSON.
    """
    if all(member.name != SBOM_MEMBER for member in bundle.members):
        return None
    document = loads(bundle.read(SBOM_MEMBER, limit=MAX_SBOM_BYTES), where=SBOM_MEMBER, limit=MAX_SBOM_BYTES)
    return state(bundle, SBOM_TYPE, document)
