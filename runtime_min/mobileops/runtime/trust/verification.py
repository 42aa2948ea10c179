"""Decide whether a bundle may be installed. The order below is the specification; the first failure stops.

0. The signature file is within its bounds, strict JSON, of one exact shape                     ``MOP3000``-``MOP3008``
1. The signature verifies: certificate chain at a verified time, log inclusion, checkpoint      ``MOP3010``-``MOP3011``
2. The signer (root, issuer, identity) may publish this name                                    ``MOP3110``-``MOP3114``
3. The payload is an in-toto Statement v1 that publishes a plugin                               ``MOP3030``-``MOP3034``
4. The archive's digest and name, and the digest of its file table, are the signed subjects     ``MOP3040``-``MOP3043``
5. Name, version, manifest and permissions are the signed ones; the rule allows the permissions ``MOP3050``-``MOP3053``
6. Every member equals the file table, nothing is extra, nothing is missing                     ``MOP3060``
7. The archive is not revoked                                                                   ``MOP3170``

Steps 0 and 1 do not touch the archive. It is opened once, before step 2, which needs its name; everything after that
reads the same open file, and hands that file to the caller. No step uses the network, a cache, or anything that the
caller did not pass in. Step 1 also refuses foreign roots (``MOP3110``) and unusable ones (``MOP3106``), step 5
permissions beyond a rule's bound (``MOP3115``). A refusal never folds outcomes together: see ``codes.Outcome``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.bundle import open_bundle
from mobileops.bundle.filename import signature_path
from mobileops.errors import BundleRefused, HostFault
from mobileops.manifest.permissions import allows
from mobileops.runtime.trust import signature_file, signers, statement, verified
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.bundle import Bundle
    from mobileops.runtime.trust._sigstore import Checked
    from mobileops.runtime.trust.policy import Pin, TrustPolicy
    from mobileops.runtime.trust.signature_file import SignatureFile
    from mobileops.runtime.trust.statement import Statement
    from mobileops.runtime.trust.verified import VerifiedBundle

INSTALL_COMMAND: Final = "pip install 'mobileops-runtime[sigstore]'"


def verify(
    bundle: Path, *, policy: TrustPolicy, pins: Mapping[str, Pin], signature: Path | None = None
) -> VerifiedBundle:
    """Verify a bundle and return it open.

    Args:
        bundle: the archive, under the file name it was signed with.
        policy: whom the operator trusts.
        pins: plugin name -> signer of its first install, for names that no rule owns.
        signature: the signature file; beside the archive when None.

    Raises:
        NotFoundError: there is no such archive.
        BundleRefused: the archive is outside the strict profile.
        TrustRefused: a step failed; ``code`` says which, ``outcome`` is unsigned, invalid or untrusted.
        HostFault: the optional dependency that verifies signatures is missing.
    """
    # 0, 1: the signature by itself.
    signed = signature_file.read(signature or signature_path(bundle))
    checked = _check_signature(signed, policy)
    opened = open_bundle(bundle)
    try:
        # 2: may this signer publish this name?
        name = opened.manifest.name
        signer = signers.decide(name, checked, policy=policy, pins=pins, where=str(bundle))
        # 3: what does the signer say?
        said = statement.parse(checked.payload_type, checked.payload, where=signed.where)
        # 4-7: is it about this archive, and is this archive in order?
        _check_subjects(opened, said)
        _check_predicate(opened, said)
        _check_permissions(opened, policy)
        _check_members(opened)
        _check_revocation(opened, policy)
        return verified.make(bundle=opened, signer=signer, signature=signed.raw)
    except BaseException:
        opened.close()
        raise


def _check_signature(signed: SignatureFile, policy: TrustPolicy) -> Checked:
    """Step 1."""
    try:
        from mobileops.runtime.trust import _sigstore  # noqa: PLC0415 - sigstore is optional, and slow to import
    except ImportError as error:
        raise HostFault(
            f"signatures cannot be verified: {error}",
            code="MOP8010",
            where=signed.where,
            why="the package 'sigstore' verifies them, an optional extra of the runtime",
            fix=INSTALL_COMMAND,
        ) from error
    return _sigstore.check(signed, policy.rules.roots)


def _check_subjects(bundle: Bundle, said: Statement) -> None:
    """Step 4."""
    comparisons = (
        (Code.SUBJECT_DIGEST, "digest of the archive", bundle.sha256, said.archive_sha256),
        (Code.SUBJECT_NAME, "file name of the archive", bundle.path.name, said.archive_name),
        (Code.SUBJECT_FILES, "digest of the file table", bundle.files_digest, said.files_sha256),
    )
    _compare(bundle, comparisons)


def _check_predicate(bundle: Bundle, said: Statement) -> None:
    """Step 5, what the signer says about the manifest."""
    manifest = bundle.manifest
    permissions = tuple(manifest.document.get("permissions", ()))
    comparisons = (
        (Code.PREDICATE_NAME, "name of the plugin", manifest.name, said.name),
        (Code.PREDICATE_VERSION, "version of the plugin", str(manifest.version), said.version),
        (Code.PREDICATE_MANIFEST, "digest of the manifest", manifest.digest, said.manifest_sha256),
        (Code.PREDICATE_PERMISSIONS, "list of permissions", permissions, said.permissions),
    )
    _compare(bundle, comparisons)


def _compare(bundle: Bundle, comparisons: tuple[tuple[Code, str, object, object], ...]) -> None:
    for code, subject, found, signed in comparisons:
        if found != signed:
            raise refuse(
                code,
                f"the {subject} is {found!r}, but {signed!r} was signed",
                where=bundle.path,
                fix="get the bundle and its signature again, together, from where they came from",
            )


def _check_permissions(bundle: Bundle, policy: TrustPolicy) -> None:
    """Step 5, what the operator lets this publisher ask for."""
    publisher = policy.publisher_of(bundle.manifest.name)
    if publisher is None or publisher.max_permissions is None:
        return
    beyond = [str(needed) for needed in bundle.manifest.permissions if not allows(publisher.max_permissions, needed)]
    if beyond:
        allowed = ", ".join(map(str, publisher.max_permissions)) or "none"
        raise refuse(
            Code.PERMISSIONS,
            f"the plugin asks for {', '.join(beyond)}",
            where=bundle.path,
            why=f"the rule for {', '.join(publisher.plugins)} in {policy.where} allows at most: {allowed}",
            fix="add the permission to max_permissions, if the publisher may ask for it",
        )


def _check_members(bundle: Bundle) -> None:
    """Step 6."""
    try:
        bundle.check_members()
    except BundleRefused as error:
        what = f"the signer signed an archive that contradicts its own file table: {error.what} [{error.code}]"
        raise refuse(Code.MEMBERS, what, where=error.where, why=error.why) from error


def _check_revocation(bundle: Bundle, policy: TrustPolicy) -> None:
    """Step 7."""
    policy.refuse_revoked(bundle.sha256, where=bundle.path)
