"""Sign a bundle together with what git and the packer say about where it comes from."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.errors import PackagingError
from mobileops.toolchain.pack import plan
from mobileops.toolchain.pack.inputs import build_inputs
from mobileops.toolchain.pipeline.building import Choices, package
from mobileops.toolchain.pipeline.rebuilding import choices_of
from mobileops.toolchain.sign import BuildInputs, sign_bundle
from mobileops.toolchain.sign.source import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.toolchain.pack import Packed
    from mobileops.toolchain.sign import Signed, Signer, Source


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
        choices = choices_of(opened)
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
