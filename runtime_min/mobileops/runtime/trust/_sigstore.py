"""Step 1: the only door to sigstore on a device.

sigstore-python verifies, offline, against one trust root file at a time: the certificate chain at a verified time, the
certificate's transparency, the log's inclusion proof, checkpoint and promise, the time stamp, and the signature.
Importing this module costs more than everything else here together: ``verification`` does it on the first signature.

Roots come from the files of the policy only. ``Verifier.production(offline=True)`` is not used: it trusts whatever lies
in a cache folder of the user. Whatever the library raises, a crash included, is a refusal.
"""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Final

from cryptography.x509 import Certificate, load_der_x509_certificate
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import certificate
from mobileops.runtime.trust.bounded import read_regular
from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.runtime.trust.rules import Root
    from mobileops.runtime.trust.signature_file import SignatureFile

MAX_ROOT_BYTES: Final = 4 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What holds about a signature.

    Attributes:
        roots: every root of the policy under which it verifies, in the order of the policy; at least one.
        issuer: URL of whoever vouched for the identity.
        identity: e-mail address or URI of the signer.
        payload_type: type of the signed payload, not yet judged.
        payload: the signed bytes.
    """

    roots: tuple[Root, ...]
    issuer: str
    identity: str
    payload_type: str
    payload: bytes


class _TakeCertificate:
    """Accept any certificate: who signed is decided after the signature has been verified, by the trust policy."""

    def verify(self, cert: Certificate) -> None:
        """Do nothing; ``Verifier`` demands the method."""


def check(signature: SignatureFile, roots: Sequence[Root]) -> Checked:
    """Verify a signature against each root that can have issued its certificate.

    Raises:
        TrustRefused: ``MOP3010`` it does not verify, ``MOP3011`` its certificate has no usable identity, ``MOP3106`` a
            root cannot be used, ``MOP3110`` no root issued the certificate.
    """
    try:
        return _check(signature, roots)
    except (TrustRefused, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the Rust parts is a BaseException, and a refusal like any other
        raise _broken(signature, error) from error


def _check(signature: SignatureFile, roots: Sequence[Root]) -> Checked:
    leaf = _leaf(signature)
    related = [(root, loaded) for root in roots if (loaded := _load(root)) and _speaks_for(loaded, leaf)]
    if not related:
        raise _foreign(signature, roots, leaf)
    held: dict[Root, tuple[str, bytes]] = {}
    failures: list[Exception] = []
    for root, loaded in related:
        try:
            held[root] = _verify(signature, loaded)
        except Exception as error:  # noqa: BLE001 - it is not only its own errors that the library raises
            failures.append(error)
    if not held:
        raise _broken(signature, failures[0]) from failures[0]
    issuer, identity = certificate.issuer_and_identity(leaf, where=signature.where)
    payload_type, payload = next(iter(held.values()))
    return Checked(tuple(held), issuer, identity, payload_type, payload)


def _verify(signature: SignatureFile, trusted_root: TrustedRoot) -> tuple[str, bytes]:
    verifier = Verifier(trusted_root=trusted_root)
    result = verifier.verify_dsse(Bundle.from_json(signature.for_verifier()), _TakeCertificate())
    without_promise = signature.without_promise()
    if without_promise is not None:
        verifier.verify_dsse(Bundle.from_json(without_promise), _TakeCertificate())
    return result


def _load(root: Root) -> TrustedRoot | None:
    """Return a pinned root, None if it is optional and not there."""
    try:
        read_regular(root.trusted_root, limit=MAX_ROOT_BYTES)  # from_file reads whatever there is, without a bound
        return TrustedRoot.from_file(str(root.trusted_root))
    except FileNotFoundError as error:
        if root.optional:
            return None
        raise _unusable(root, "there is no such file") from error
    except Exception as error:  # a damaged file raises whatever the parser meets first
        raise _unusable(root, f"{error!s:.300}") from error


def _leaf(signature: SignatureFile) -> Certificate:
    """Return the signer's certificate, not yet verified."""
    encoded = signature.document["verificationMaterial"]["certificate"]["rawBytes"]
    return load_der_x509_certificate(base64.b64decode(encoded))


def _speaks_for(trusted_root: TrustedRoot, leaf: Certificate) -> bool:
    """Tell whether a certificate names an authority of the root as its issuer.

    This only tells foreign signatures from broken ones; that the authority did issue it is for the verifier to show.
    """
    return any(authority.subject == leaf.issuer for authority in trusted_root.get_fulcio_certs())


def _broken(signature: SignatureFile, error: BaseException) -> TrustRefused:
    return refuse(
        Code.SIGNATURE,
        f"the signature does not verify: {error!s:.300}",
        where=signature.where,
        fix="get the bundle and its signature again from where they came from",
    )


def _unusable(root: Root, reason: str) -> TrustRefused:
    return refuse(
        Code.ROOT_UNUSABLE,
        f"the trust root {root.name!r} cannot be used: {reason}",
        where=str(root.trusted_root),
        fix="put the pinned file back, or take the root out of the trust policy",
    )


def _foreign(signature: SignatureFile, roots: Sequence[Root], leaf: Certificate) -> TrustRefused:
    known = ", ".join(repr(root.name) for root in roots) or "none"
    return refuse(
        Code.FOREIGN,
        f"the signer's certificate was issued by {leaf.issuer.rfc4514_string()!r:.200}, which no trust root knows",
        where=signature.where,
        why=f"signatures count under the roots of the trust policy only: {known}",
        fix="pin the trusted_root.json of that signer's instance in trust.json, if you trust whoever runs it",
    )
