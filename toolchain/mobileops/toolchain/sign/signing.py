"""Sign a bundle: read it strictly, state what it is, and put the signature beside it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.bundle import bundle_file_name, open_bundle, signature_path
from mobileops.errors import HostFault, PackagingError
from mobileops.runtime import durable
from mobileops.toolchain.sign import attestations, statement

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.bundle import Bundle
    from mobileops.toolchain.sign.signer import Signature, SignedBy, Signer
    from mobileops.toolchain.sign.statement import BuildInputs, Source


PROVENANCE_SUFFIX: Final = ".provenance"
SBOM_SUFFIX: Final = ".sbom"


@dataclasses.dataclass(frozen=True, slots=True)
class Signed:
    """A signature on disk.

    Attributes:
        path: the signature file.
        by: who made it, and in which mode.
        attestations: files with further signed statements about the same bundle.
    """

    path: Path
    by: SignedBy
    attestations: tuple[Path, ...] = ()


def sign_bundle(
    bundle: Path,
    *,
    signer: Signer,
    source: Source | None = None,
    inputs: BuildInputs | None = None,
    attest: bool = False,
) -> Signed:
    """Sign a bundle and write ``<bundle>.sigstore.json``; an older signature is replaced as a whole.

    Everything is signed before anything is written, and the signature itself is written last.

    Args:
        bundle: the archive, under the file name it will be published with: the name is signed too.
        signer: who signs, in which mode.
        source: where the bundle comes from, if that is known.
        inputs: what is needed to build it again, if that is known.
        attest: also sign the provenance, if the inputs are known, and the bill of materials, if the archive has one.

    Raises:
        NotFoundError: there is no such archive.
        BundleRefused: the archive or a member of it is outside the strict profile; such a thing is never signed.
        PackagingError: ``MOP3207``, the file is not named after the plugin inside.
        MobileOpsError: ``MOP32xx``, the signer cannot sign.
        HostFault: ``MOP3208``, a signature cannot be written.
    """
    with open_bundle(bundle) as opened:
        _check_name(opened)
        opened.check_members()
        said = {"": statement.build(opened, source=source, inputs=inputs)}
        if attest and inputs is not None:
            said[PROVENANCE_SUFFIX] = attestations.provenance(opened, source=source, inputs=inputs)
        if attest and (materials := attestations.sbom(opened)) is not None:
            said[SBOM_SUFFIX] = materials
    signed = {suffix: signer.sign(each) for suffix, each in said.items()}
    further = tuple(_write(bundle, suffix, signature) for suffix, signature in signed.items() if suffix)
    return Signed(_write(bundle, "", signed[""]), signed[""].by, further)


def _write(bundle: Path, suffix: str, signature: Signature) -> Path:
    target = signature_path(bundle.with_name(f"{bundle.name}{suffix}"))
    try:
        durable.write(target, signature.bundle, mode=0o644)
    except OSError as error:
        raise HostFault(
            f"the signature cannot be written: {error.strerror}",
            code="MOP3208",
            where=str(target),
            fix="free space, or make the folder writable",
        ) from error
    return target


def _check_name(bundle: Bundle) -> None:
    """Refuse a file that is named after another plugin or version; the platform tag is free."""
    expected = bundle_file_name(bundle.manifest.name, str(bundle.manifest.version))
    stem = expected.removesuffix(".zip")
    if bundle.path.name != expected and not (bundle.path.name.startswith(f"{stem}-") and bundle.path.suffix == ".zip"):
        raise PackagingError(
            f"{bundle.path.name!r} holds {bundle.manifest.name!r} {bundle.manifest.version}",
            code="MOP3207",
            where=str(bundle.path),
            why="a bundle is called NAME-VERSION[-PLATFORM].zip, and its file name is signed",
            fix=f"rename it to {expected}",
        )
