"""The rules about the manifest alone, which need nothing that the rules about code and other files need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mobileops.errors import ManifestError
from mobileops.toolchain.checks.rules import manifest_content, manifest_file, manifest_yaml

if TYPE_CHECKING:
    from mobileops.errors import Finding
    from mobileops.toolchain.checks.source import Source

MODULES = (manifest_file, manifest_yaml, manifest_content)


def check_manifest(source: Source) -> tuple[Finding, ...]:
    """Return the findings about the manifest of a folder, whatever else is in it."""
    return tuple(finding for module in MODULES for finding in module.check(source))


def checked_manifest(source: Source) -> Mapping[str, Any]:
    """Return the document of a folder's manifest.

    Raises:
        ManifestError: it has findings that are errors.
    """
    errors = tuple(finding for finding in check_manifest(source) if finding.severity == "error")
    if errors or not isinstance(source.manifest.document, Mapping):
        raise ManifestError(errors, where=str(source.folder))
    return source.manifest.document
