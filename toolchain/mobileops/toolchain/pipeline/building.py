"""From a source folder to its bundle: check, plan, describe the API, pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mobileops.bundle.layout import API_MEMBER, FILES_MEMBER, MANIFEST_MEMBER, OVERRIDES_MEMBER, SBOM_MEMBER
from mobileops.errors import ManifestError
from mobileops.toolchain.api import describe_files
from mobileops.toolchain.checks.rules import secrets_kept_out
from mobileops.toolchain.diagnostics import diagnose
from mobileops.toolchain.pack import Packed, Plan, pack, plan
from mobileops.toolchain.pack.plan import LOCK_FILE, VENDOR_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.errors import Finding
    from mobileops.toolchain.pack import Target

__all__ = ["Choices", "Packed", "Plan", "build", "generated", "package", "plan"]


class Choices(NamedTuple):
    """What an author may choose about the bytes of a bundle; a bundle shows what was chosen.

    Attributes:
        stored: not compressed.
        allow: names of files that go in although they hold a secret or are bytecode.
        target: what it is for, when it has native code; None is this machine.
    """

    stored: bool = False
    allow: frozenset[str] = frozenset()
    target: Target | None = None


def package(
    source: Path,
    out_dir: Path,
    *,
    choices: Choices = Choices(),  # noqa: B008 - immutable
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Check a source folder as ``validate`` does, then build its bundle, with a description of its API in it.

    Args:
        source: the plugin's folder.
        out_dir: for the bundle.
        choices: of the author.
        progress: told now and then how many bytes of how many have been packed.

    Raises:
        ManifestError: it has findings that are errors; all of them are in ``findings``.
        PackagingError: something in it may not be packaged.
    """
    found = (found.finding for found in diagnose(source) if found.is_error)
    errors = tuple(finding for finding in found if not _is_allowed(finding, choices))
    if errors:
        raise ManifestError(errors, where=str(source))
    return build(source, out_dir, choices=choices, progress=progress)


def _is_allowed(finding: Finding, choices: Choices) -> bool:
    return finding.code == secrets_kept_out.CODE and finding.where.partition(":")[0] in choices.allow


def build(
    source: Path,
    out_dir: Path,
    *,
    choices: Choices = Choices(),  # noqa: B008 - immutable
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Build the bundle of a source folder that need not be valid, with a description of its API in it.

    Args:
        source: the plugin's folder.
        out_dir: for the bundle.
        choices: of the author.
        progress: told now and then how many bytes of how many have been packed.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: something in it may not be packaged.
    """
    planned = plan(source, allow=choices.allow)
    api = describe_files(planned.manifest, {file.name: Path(file.path) for file in planned.files})
    options: dict[str, Any] = {"progress": progress} if progress else {}
    options |= {"stored": choices.stored, "target": choices.target}
    return pack(source, out_dir, planned=planned, generated={API_MEMBER: api}, **options)


def generated(planned: Plan) -> tuple[tuple[str, str], ...]:
    """Return (name, what it is) of the members that packing makes, in the order of the bundle."""
    members = [
        (MANIFEST_MEMBER, f"the manifest, canonical; from {planned.manifest_file}"),
        (FILES_MEMBER, "size, digest and mode of every other member"),
        (SBOM_MEMBER, "the list of vendored packages"),
        (API_MEMBER, "what the plugin offers, read from its source"),
    ]
    if planned.overrides is not None:
        members.append((OVERRIDES_MEMBER, "what --allow let in"))
    if planned.manifest.dependencies:
        members.append((f"{VENDOR_FOLDER}/", f"the dependencies, from the wheels that {LOCK_FILE} locks"))
    return tuple(members)
