"""Decide whether a bundle may be installed. The order below is the specification; the first failure stops.

0. The signature file is within its bounds, strict JSON, of one exact shape                     ``MOP3000``-``MOP3009``
1. The signature verifies: with a key, or a certificate chain at a verified time, log, checkpoint
                                                                                                ``MOP3010``-``MOP3023``
2. The signer (root, issuer, identity, build, or key) may publish this name                     ``MOP3110``-``MOP3128``
3. The payload is an in-toto Statement v1 that publishes a plugin                               ``MOP3030``-``MOP3034``
4. The archive's digest and name, and the digest of its file table, are the signed subjects     ``MOP3040``-``MOP3043``
5. Name, version, manifest and permissions are the signed ones; the rule allows the permissions ``MOP3050``-``MOP3053``
6. Every member equals the file table, nothing is extra, nothing is missing                     ``MOP3060``
7. Neither archive nor signer is revoked                                                        ``MOP3170``-``MOP3172``

Steps 0 and 1 do not touch the archive. It is opened once, before step 2, which needs its name; everything after that
reads the same open file, and hands that file to the caller. No step uses the network, a cache, or anything that the
caller did not pass in. Step 1 also refuses foreign roots and unknown keys (``MOP3110``, ``MOP3123``) and unusable ones
(``MOP3106``, ``MOP3109``, ``MOP3130``), step 5 permissions beyond a rule's bound (``MOP3115``). A refusal never folds
outcomes together: see ``codes.Outcome``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.bundle.filename import signature_path
from mobileops.errors import MobileOpsError, TrustRefused
from mobileops.runtime.trust import anchors, contents, revocation, signature_file, signers, statement, verified
from mobileops.runtime.trust.codes import Code, missing_extra, refuse
from mobileops.runtime.trust.steps import Trail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.runtime.trust.anchors import Anchors
    from mobileops.runtime.trust.checked import Checked
    from mobileops.runtime.trust.contents import Contents
    from mobileops.runtime.trust.pins import Pin
    from mobileops.runtime.trust.policy import TrustPolicy
    from mobileops.runtime.trust.signature_file import SignatureFile
    from mobileops.runtime.trust.signer import Signer
    from mobileops.runtime.trust.verified import VerifiedBundle


def verify(
    bundle: Path,
    *,
    policy: TrustPolicy,
    pins: Mapping[str, Pin],
    signature: Path | None = None,
    trail: Trail | None = None,
    keep: bool = False,
) -> VerifiedBundle:
    """Verify a bundle and return it open.

    Args:
        bundle: the archive, under the file name it was signed with.
        policy: whom the operator trusts.
        pins: plugin name -> signer of its first install, for names that no rule owns.
        signature: the signature file; beside the archive when None.
        trail: takes down each step.
        keep: hold small members in memory, for an `extract` that follows.

    Raises:
        NotFoundError: there is no such archive.
        BundleRefused: the archive is outside the strict profile.
        TrustRefused: a step failed; ``code`` says which, ``outcome`` is unsigned, invalid or untrusted.
        HostFault: the optional dependency that verifies certificates is missing.
    """
    trail = trail or Trail()
    try:
        signed = _signature(signature or signature_path(bundle), bundle, policy=policy, pins=pins, trail=trail)
        found = anchors.read(policy.rules.roots)
        checked = _check_signature(signed, found, policy=policy, trail=trail)
        opened = open_bundle(bundle)
        try:
            signer = _judge(
                contents.of_bundle(opened, keep=keep), signed, checked, policy=policy, pins=pins, trail=trail
            )
        except BaseException:
            opened.close()
            raise
    except MobileOpsError as error:
        trail.refused(error)
        raise
    return verified.make(bundle=opened, signer=signer, signature=signed.raw, anchors=found.digests)


def verify_installed(
    installed: Contents,
    *,
    policy: TrustPolicy,
    pins: Mapping[str, Pin],
    signature: Path,
    trail: Trail | None = None,
) -> Signer:
    """Verify again what was installed: every step, with the installed files in the place of the archive.

    Args:
        installed: the files, and what the receipt says about the archive that they came from.
        policy: whom the operator trusts now.
        pins: as for `verify`.
        signature: the signature that was kept at the install.
        trail: takes down each step.

    Raises:
        TrustRefused, HostFault: as `verify`.
    """
    trail = trail or Trail()
    try:
        trail.begin(0, signature_file.ACCEPTED)
        signed = signature_file.read(signature)
        trail.found(signed.summary)
        checked = _check_signature(signed, anchors.read(policy.rules.roots), policy=policy, trail=trail)
        return _judge(installed, signed, checked, policy=policy, pins=pins, trail=trail)
    except MobileOpsError as error:
        trail.refused(error)
        raise


def _signature(
    path: Path, bundle: Path, *, policy: TrustPolicy, pins: Mapping[str, Pin], trail: Trail
) -> SignatureFile:
    """Step 0; a missing signature is worse if the name belongs to somebody who signs."""
    trail.begin(0, signature_file.ACCEPTED)
    try:
        signed = signature_file.read(path)
    except TrustRefused as error:
        if error.code == Code.NO_SIGNATURE:
            with open_bundle(bundle) as opened:
                _refuse_stripped(opened.manifest.name, path, policy=policy, pins=pins)
        raise
    trail.found(signed.summary)
    return signed


def _refuse_stripped(name: str, path: Path, *, policy: TrustPolicy, pins: Mapping[str, Pin]) -> None:
    if name in pins or policy.publisher_of(name):
        raise refuse(
            Code.STRIPPED,
            f"there is no signature beside the bundle, and {name!r} was always signed",
            where=path,
            why=f"accepted is only a signature {signers.accepted(name, policy=policy, pins=pins)}",
            fix="get the .sigstore.json from where the bundle came from",
        )


def _check_signature(signed: SignatureFile, found: Anchors, *, policy: TrustPolicy, trail: Trail) -> Checked:
    """Step 1."""
    roots = ", ".join(f"{root.name} ({root.assurance})" for root in policy.rules.roots) or "no root at all"
    trail.begin(1, f"a signature that verifies under one of: {roots}")
    checked = _by_key(signed, found) if signed.key_hint is not None else _by_certificate(signed, found)
    held = ", ".join(root.name for root in checked.roots)
    times = "".join(f", signed at {time.isoformat()}" for time in dict.fromkeys(checked.times))
    trail.found(f"verifies under {held}{times}")
    return checked


def _by_key(signed: SignatureFile, found: Anchors) -> Checked:
    from mobileops.runtime.trust import keys  # noqa: PLC0415 - cryptography is slow to import

    return keys.check(signed, found.keys)


def _by_certificate(signed: SignatureFile, found: Anchors) -> Checked:
    try:
        from mobileops.runtime.trust import _sigstore  # noqa: PLC0415 - sigstore is optional, and slow to import
    except ImportError as error:
        what = f"signatures with certificates cannot be verified: {error}"
        raise missing_extra(what, where=signed.where) from error
    return _sigstore.check(signed, found.trusted_roots)


def _judge(
    found: Contents,
    signed: SignatureFile,
    checked: Checked,
    *,
    policy: TrustPolicy,
    pins: Mapping[str, Pin],
    trail: Trail,
) -> Signer:
    """Steps 2 to 7: who says what, and is it about this?"""
    # 2: may this signer publish this name?
    name = found.manifest.name
    trail.begin(2, signers.accepted(name, policy=policy, pins=pins))
    signer = signers.decide(name, checked, policy=policy, pins=pins, where=found.where)
    trail.found(signer.summary)
    # 3: what does the signer say?
    trail.begin(3, f"{statement.PAYLOAD_TYPE}, {statement.STATEMENT_TYPE}, {statement.PREDICATE_TYPE}")
    said = statement.parse(checked.payload_type, checked.payload, where=signed.where)
    trail.found(f"publishes {said.name} {said.version}")
    # 4-6: is it about this, and is this in order?
    contents.check_subjects(found, said, trail=trail)
    contents.check_predicate(found, said, policy=policy, trail=trail)
    contents.check_members(found, trail=trail)
    # 7: is it revoked?
    revoked = policy.rules.revoked
    trail.begin(7, f"anything but {revoked.total} revoked digests, keys and identities")
    revocation.refuse_archive(found.archive_sha256, revoked, where=found.where, source=policy.where)
    revocation.refuse_signer(signer, revoked, where=found.where, source=policy.where)
    trail.found("not revoked")
    return signer
