"""The order of the stages; no other module knows it."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.bundle import API_MEMBER, open_bundle, read_overrides
from mobileops.bundle.layout import FILES_MEMBER, MANIFEST_MEMBER, OVERRIDES_MEMBER, SBOM_MEMBER, STORED
from mobileops.errors import ManifestError, MobileOpsError, PackagingError
from mobileops.toolchain.api import describe_files
from mobileops.toolchain.checks.rules import secrets_kept_out
from mobileops.toolchain.diagnostics import diagnose
from mobileops.toolchain.pack import Packed, Plan, Target, dependencies, pack, parse_target, plan
from mobileops.toolchain.pack.inputs import build_inputs
from mobileops.toolchain.pack.plan import LOCK_FILE, VENDOR_FOLDER
from mobileops.toolchain.rebuild import Difference, first_difference
from mobileops.toolchain.sign import BuildInputs, sign_bundle
from mobileops.toolchain.sign.source import describe
from mobileops.toolchain.testrun import TestRun, run_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.bundle import Bundle
    from mobileops.errors import Finding
    from mobileops.toolchain.sign import Signed, Signer, Source

__all__ = [
    "Choices",
    "Packed",
    "Plan",
    "Rebuilt",
    "TestRun",
    "generated",
    "package",
    "package_signed",
    "plan",
    "rebuild",
    "sign",
    "test",
]

_TAG: Final = re.compile(r"-(linux_[a-z0-9_]+-cp3[0-9]+)\.zip$")
OTHER_SOURCE: Final = "MOP2502"


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of building a bundle again.

    Attributes:
        sha256: of the bundle.
        rebuilt_sha256: of the one built from the source.
        difference: the first one, or None: they have the same bytes.
    """

    sha256: str
    rebuilt_sha256: str
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return the form of ``schema/cli/rebuild.v1.schema.json``."""
        difference = None if self.difference is None else self.difference.to_dict()
        return {
            "identical": difference is None,
            "sha256": self.sha256,
            "rebuilt_sha256": self.rebuilt_sha256,
            "difference": difference,
        }


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

    @classmethod
    def of(cls, bundle: Bundle) -> Choices:
        """Return what was chosen for a bundle."""
        stored = all(member.method == STORED for member in bundle.members)
        tag = _TAG.search(bundle.path.name)
        return cls(stored, frozenset(read_overrides(bundle)), parse_target(tag[1]) if tag else None)


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
    return _build(source, out_dir, choices=choices, progress=progress)


def _is_allowed(finding: Finding, choices: Choices) -> bool:
    return finding.code == secrets_kept_out.CODE and finding.where.partition(":")[0] in choices.allow


def _build(
    source: Path,
    out_dir: Path,
    *,
    choices: Choices = Choices(),  # noqa: B008 - immutable
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
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


def rebuild(bundle: Path, source: Path) -> Rebuilt:
    """Build the bundle of `source` again, in a folder that is removed afterwards, and compare it with `bundle`.

    The bundle is read strictly and not trusted. The source is not validated: what counts is what was packaged.

    Raises:
        BundleRefused: the bundle is outside the strict profile.
        ManifestError: the manifest of the source has findings.
        PackagingError: something in the source may not be packaged.
        MobileOpsError: the source is that of another plugin (MOP2502).
    """
    with open_bundle(bundle) as original, tempfile.TemporaryDirectory(prefix="mobileops-rebuild-") as folder:
        original.check_members()
        name = plan(source).manifest.name
        if name != original.manifest.name:
            raise MobileOpsError(
                f"the bundle is {original.manifest.name!r}, the source is {name!r}",
                code=OTHER_SOURCE,
                where=str(source),
                why="a bundle is compared with one built from its own source",
                fix="name the folder of the plugin's source after the bundle",
            )
        packed = _build(source, Path(folder), choices=Choices.of(original))
        with open_bundle(packed.path) as rebuilt:
            rebuilt.check_members()
            return Rebuilt(original.sha256, packed.sha256, first_difference(original, rebuilt))


def package_signed(
    source: Path,
    out_dir: Path,
    *,
    signer: Signer,
    environment: Mapping[str, str],
    choices: Choices = Choices(),  # noqa: B008 - immutable
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Packed, Signed]:
    """Package a source folder, and sign the bundle with what git and the packer say about where it comes from.

    Raises:
        ManifestError, PackagingError: as ``package``.
        MobileOpsError: ``MOP32xx``, it cannot be signed.
    """
    origin = _origin(source, environment, choices)  # before anything is written into the folder
    packed = package(source, out_dir, choices=choices, progress=progress)
    return packed, sign_bundle(packed.path, signer=signer, source=origin, inputs=_inputs(choices), attest=True)


def sign(bundle: Path, *, signer: Signer, source: Path | None, environment: Mapping[str, str]) -> Signed:
    """Sign a bundle; with its source, sign where it comes from too.

    What is signed about the source is shown first: it is packed again, and must give the same bytes.

    Args:
        bundle: the archive.
        signer: who signs.
        source: the folder it was built from; without one, nothing is claimed about its origin.
        environment: of the process, for git.

    Raises:
        PackagingError: ``MOP3230``, the source gives other bytes; or as ``package``.
        MobileOpsError: ``MOP32xx``, it cannot be signed.
    """
    if source is None:
        return sign_bundle(bundle, signer=signer, attest=True)
    with open_bundle(bundle) as opened:
        choices = Choices.of(opened)
    origin = _origin(source, environment, choices)
    with tempfile.TemporaryDirectory(prefix="mobileops-rebuild-") as folder:
        again = package(source, Path(folder), choices=choices)
        with open_bundle(bundle) as opened:
            if opened.sha256 != again.sha256:
                raise PackagingError(
                    f"{str(source)!r} does not give the bytes of this bundle",
                    code="MOP3230",
                    where=str(bundle),
                    why=f"packed again it has the digest {again.sha256}, the bundle has {opened.sha256}",
                    fix=f"sign what it gives now with mobileops package --sign {source}, or leave --source out",
                )
    return sign_bundle(bundle, signer=signer, source=origin, inputs=_inputs(choices), attest=True)


def _origin(source: Path, environment: Mapping[str, str], choices: Choices) -> Source | None:
    packed = [planned.name for planned in plan(source, allow=choices.allow).files]
    return describe(source, packed=packed, environment=environment)


def _inputs(choices: Choices) -> BuildInputs:
    return BuildInputs.from_packer(build_inputs(stored=choices.stored))


def test(source: Path) -> TestRun:
    """Install a plugin's locked dependencies aside, then run its tests with them.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the dependencies are not locked, or cannot be installed.
    """
    with dependencies(source) as folder:
        return run_tests(source, dependencies=folder)
