"""What step 1 found out about a signature, whichever kind of verifier found it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mobileops.runtime.trust.rules import Root


class Checked(NamedTuple):
    """What holds about a signature.

    Attributes:
        roots: every root of the policy under which it verifies, in the order of the policy; at least one.
        payload_type: type of the signed payload, not yet judged.
        payload: the signed bytes.
        issuer: URL of whoever vouched for the identity; None for a key.
        identity: e-mail address or URI of the signer; None for a key.
        claims: what the issuer said about the build, by the names in ``certificate.CLAIMS``.
        key_hint: base64 of the SHA-256 of the key's SubjectPublicKeyInfo; None for a certificate.
        times: when it was signed, as each verified source of time says; none for a key.
    """

    roots: tuple[Root, ...]
    payload_type: str
    payload: bytes
    issuer: str | None = None
    identity: str | None = None
    claims: Mapping[str, str] = MappingProxyType({})
    key_hint: str | None = None
    times: tuple[datetime, ...] = ()
