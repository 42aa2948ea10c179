"""Step 1 for certificates: the only door to sigstore on a device.

sigstore-python verifies, offline, against one trust root at a time: the certificate chain at a verified time, the
certificate's transparency, the log's inclusion proof, checkpoint and promise, the time stamp, and the signature.
Importing this module costs more than everything else here together: ``verification`` does it on the first signature.

Roots come from the files of the policy only. ``Verifier.production(offline=True)`` is not used: it trusts whatever lies
in a cache folder of the user. Whatever the library raises, a crash included, is a refusal.
"""

from __future__ import annotations

import copy
import functools
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import certificate, failures
from mobileops.runtime.trust.anchors import unusable
from mobileops.runtime.trust.checked import Checked
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.x509 import Certificate, Name
    from sigstore._internal.timestamp import TimestampVerificationResult

    from mobileops.runtime.trust.rules import Root
    from mobileops.runtime.trust.signature_file import SignatureFile

KEPT_ROOTS: Final = 8
"""Roots that a process keeps parsed; each is a few hundred kilobytes in memory."""

MADE_ANEW: Final = ("rekor_keyring", "ct_keyring", "get_timestamp_authorities")
"""What the library makes of a root anew for every signature, and what is made once here.

A key that becomes valid while a process runs counts for the next process: too late, never too early."""


class _TakeCertificate:
    """Accept any certificate: who signed is decided after the signature has been verified, by the trust policy."""

    def verify(self, cert: Certificate) -> None:
        """Do nothing; ``Verifier`` demands the method."""


class _Recording(Verifier):
    """A verifier that remembers which time stamps held: the library skips those that do not, if the log has a time."""

    stamps: list[Any] | None = None
    chain: tuple[Certificate, datetime, list[Certificate]] | None = None

    def _verify_timestamp_authority(self, bundle: Bundle) -> list[Any]:
        """Remember the result; a library that names this otherwise never calls it, and ``stamps`` stays None."""
        self.stamps = super()._verify_timestamp_authority(bundle)
        return self.stamps

    def _verify_chain_at_time(
        self, certificate: Certificate, timestamp_result: TimestampVerificationResult
    ) -> list[Certificate]:
        """Verify the chain once for one time: log and time stamp often state the same."""
        if self.chain is None or self.chain[0] is not certificate or self.chain[1] != timestamp_result.time:
            found = super()._verify_chain_at_time(certificate, timestamp_result)
            self.chain = (certificate, timestamp_result.time, found)
        return self.chain[2]


class _Authority(NamedTuple):
    """A root, ready to verify with.

    Attributes:
        verifier: to be copied for each verification, which leaves a trace in it.
        subjects: names of the certificates that can have issued a signer's.
    """

    verifier: _Recording
    subjects: frozenset[Name]


def check(signature: SignatureFile, roots: Mapping[Root, bytes]) -> Checked:
    """Verify a signature against each root that can have issued its certificate.

    Args:
        signature: of the shape with a certificate.
        roots: root of the policy -> the ``TrustedRoot`` that it pins, JSON.

    Raises:
        TrustRefused: ``MOP3010``, ``MOP3013`` to ``MOP3023`` it does not verify, ``MOP3011`` its certificate has no
            usable identity, ``MOP3106`` a root cannot be used, ``MOP3110`` no root issued the certificate.
    """
    try:
        return _check(signature, roots)
    except (TrustRefused, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the Rust parts is a BaseException, and a refusal like any other
        raise failures.refusal(error, where=signature.where) from error


def check_root(data: bytes) -> None:
    """Refuse bytes that a verification could not use as a root.

    Raises:
        TrustRefused: ``MOP3133``.
    """
    try:
        _parse(data)
    except Exception as error:  # a damaged file raises whatever the parser meets first
        what = f"what was fetched is not a usable trust root: {error!s:.300}"
        raise refuse(Code.REFRESH_ROOT, what, fix="report it; the present root stays in use") from error


def _check(signature: SignatureFile, roots: Mapping[Root, bytes]) -> Checked:
    loaded = {root: _load(root, data) for root, data in roots.items()}
    bundle = Bundle.from_json(signature.checked)
    leaf = bundle.signing_certificate
    # This only tells foreign signatures from broken ones; that the authority did issue it is for the verifier to show.
    related = [(root, authority) for root, authority in loaded.items() if leaf.issuer in authority.subjects]
    if not related:
        raise _foreign(signature, roots, leaf)
    held: dict[Root, tuple[str, bytes]] = {}
    refusals: list[TrustRefused] = []
    for root, authority in related:
        try:
            held[root] = _verify(signature, bundle, copy.copy(authority.verifier))
        except TrustRefused as error:
            refusals.append(error)
    if not held:
        raise refusals[0]
    named = certificate.read(leaf, where=signature.where)
    payload_type, payload = next(iter(held.values()))
    return Checked(
        roots=tuple(held),
        payload_type=payload_type,
        payload=payload,
        issuer=named.issuer,
        identity=named.identity,
        claims=named.claims,
        times=tuple(_times(signature, bundle)),
    )


def _verify(signature: SignatureFile, bundle: Bundle, verifier: _Recording) -> tuple[str, bytes]:
    """Verify everything, and that the time stamp held too.

    Without the library's own word on the time stamps, a version of the signature that has no other source of time is
    verified as a whole, which says the same and takes twice as long.
    """
    try:
        result = verifier.verify_dsse(bundle, _TakeCertificate())
    except Exception as error:  # it is not only its own errors that the library raises
        raise failures.refusal(error, where=signature.where) from error
    if signature.has_two_times:
        try:
            if verifier.stamps is None:
                verifier.verify_dsse(Bundle.from_json(signature.without_promise()), _TakeCertificate())
            elif not verifier.stamps:
                raise ValueError("no time stamping authority of the root made it")  # noqa: TRY301 - one refusal for both
        except Exception as error:
            raise failures.refusal(error, where=signature.where, code=Code.TIME_STAMP) from error
    return result


def _times(signature: SignatureFile, bundle: Bundle) -> Iterable[datetime]:
    """Yield when it was signed, as each source of time in a verified signature says."""
    material = signature.document["verificationMaterial"]
    integrated = material["tlogEntries"][0].get("integratedTime")
    if integrated is not None:
        yield datetime.fromtimestamp(int(integrated), UTC)
    stamps = bundle.verification_material.timestamp_verification_data
    for stamp in stamps.rfc3161_timestamps if stamps else ():
        yield stamp.tst_info.gen_time


def _load(root: Root, data: bytes) -> _Authority:
    try:
        return _parse(data)
    except Exception as error:  # a damaged file raises whatever the parser meets first
        raise unusable(root, f"{error!s:.300}") from error


@functools.lru_cache(maxsize=KEPT_ROOTS)
def _parse(data: bytes) -> _Authority:
    """Parse the bytes that were read: the library reads files only, so it gets one that nobody else can change.

    Kept by the bytes themselves: a root file that changes is another root.
    """
    descriptor = os.memfd_create("trusted_root", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        trusted_root = TrustedRoot.from_file(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    for name in MADE_ANEW:
        setattr(trusted_root, name, functools.cache(getattr(trusted_root, name)))
    subjects = frozenset(issuer.subject for issuer in trusted_root.get_fulcio_certs())
    return _Authority(_Recording(trusted_root=trusted_root), subjects)


def _foreign(signature: SignatureFile, roots: Iterable[Root], leaf: Certificate) -> TrustRefused:
    known = ", ".join(repr(root.name) for root in roots) or "none"
    return refuse(
        Code.FOREIGN,
        f"the signer's certificate was issued by {leaf.issuer.rfc4514_string()!r:.200}, which no trust root knows",
        where=signature.where,
        why=f"signatures count under the roots of the trust policy only: {known}",
        fix="mobileops trust add root with that signer's trusted_root.json, if you trust whoever runs its instance",
    )
