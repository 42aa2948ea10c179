"""The order of the stages; no other module knows it."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.bundle import API_MEMBER, open_bundle
from mobileops.bundle.layout import STORED
from mobileops.errors import ManifestError, MobileOpsError, PackagingError
from mobileops.toolchain.api import describe_files
from mobileops.toolchain.diagnostics import diagnose
from mobileops.toolchain.pack import Packed, Plan, dependencies, pack, plan
from mobileops.toolchain.pack.inputs import build_inputs
from mobileops.toolchain.rebuild import Difference, first_difference
from mobileops.toolchain.sign import BuildInputs, sign_bundle
from mobileops.toolchain.sign.source import describe
from mobileops.toolchain.testrun import TestRun, run_tests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.toolchain.sign import Signed, Signer, Source

__all__ = ["Packed", "Plan", "Rebuilt", "TestRun", "package", "package_signed", "plan", "rebuild", "sign", "test"]

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


def package(source: Path, out_dir: Path) -> Packed:
    """Check a source folder as ``validate`` does, then build its bundle, with a description of its API in it.

    Raises:
        ManifestError: it has findings that are errors; all of them are in ``findings``.
        PackagingError: something in it may not be packaged.
    """
    errors = tuple(found.finding for found in diagnose(source) if found.is_error)
    if errors:
        raise ManifestError(errors, where=str(source))
    return _build(source, out_dir)


def _build(source: Path, out_dir: Path, *, stored: bool = False) -> Packed:
    planned = plan(source)
    api = describe_files(planned.manifest, {file.name: Path(file.path) for file in planned.files})
    return pack(source, out_dir, stored=stored, generated={API_MEMBER: api})


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
        stored = all(member.method == STORED for member in original.members)
        packed = _build(source, Path(folder), stored=stored)
        with open_bundle(packed.path) as rebuilt:
            rebuilt.check_members()
            return Rebuilt(original.sha256, packed.sha256, first_difference(original, rebuilt))


def package_signed(
    source: Path, out_dir: Path, *, signer: Signer, environment: Mapping[str, str]
) -> tuple[Packed, Signed]:
    """Package a source folder, and sign the bundle with what git and the packer say about where it comes from.

    Raises:
        ManifestError, PackagingError: as ``package``.
        MobileOpsError: ``MOP32xx``, it cannot be signed.
    """
    origin = _origin(source, environment)  # before anything is written into the folder
    packed = package(source, out_dir)
    return packed, sign_bundle(packed.path, signer=signer, source=origin, inputs=_inputs(), attest=True)


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
    origin = _origin(source, environment)
    with tempfile.TemporaryDirectory(prefix="mobileops-rebuild-") as folder:
        again = package(source, Path(folder))
        with open_bundle(bundle) as opened:
            if opened.sha256 != again.sha256:
                raise PackagingError(
                    f"{str(source)!r} does not give the bytes of this bundle",
                    code="MOP3230",
                    where=str(bundle),
                    why=f"packed again it has the digest {again.sha256}, the bundle has {opened.sha256}",
                    fix=f"sign what it gives now with mobileops package --sign {source}, or leave --source out",
                )
    return sign_bundle(bundle, signer=signer, source=origin, inputs=_inputs(), attest=True)


def _origin(source: Path, environment: Mapping[str, str]) -> Source | None:
    return describe(source, packed=[planned.name for planned in plan(source).files], environment=environment)


def _inputs() -> BuildInputs:
    return BuildInputs.from_packer(build_inputs())


def test(source: Path) -> TestRun:
    """Install a plugin's locked dependencies aside, then run its tests with them.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the dependencies are not locked, or cannot be installed.
    """
    with dependencies(source) as folder:
        return run_tests(source, dependencies=folder)
