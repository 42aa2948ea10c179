"""Step 7: is the archive, the key or the signer revoked?

An identity is revoked from a time on: what was signed before stays good. The time is the latest of those that verified
sources of time state, so that a time stamp bought early does not help a signature that was logged late.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from mobileops.errors import TrustRefused
    from mobileops.runtime.trust.rules import Revoked, RevokedIdentity
    from mobileops.runtime.trust.signer import Signer


def refuse_archive(sha256: str, revoked: Revoked, *, where: str, source: str) -> None:
    """Refuse an archive that was revoked.

    Args:
        sha256: its digest, lowercase hex.
        revoked: what the policy lists.
        where: what the refusal is about.
        source: where the policy was read from.

    Raises:
        TrustRefused: ``MOP3170``.
    """
    if sha256 in revoked.sha256:
        raise _refusal(Code.REVOKED, f"the bundle {sha256} is revoked", where, f"revoked.sha256 in {source}")


def refuse_signer(signer: Signer, revoked: Revoked, *, where: str, source: str) -> None:
    """Refuse a key or an identity that was revoked.

    Raises:
        TrustRefused: ``MOP3171``, ``MOP3172``.
    """
    if signer.key_hint in revoked.key_hints:
        what = f"the key {signer.key_hint!r} is revoked"
        raise _refusal(Code.REVOKED_KEY, what, where, f"revoked.key_hints in {source}")
    for place, entry in enumerate(revoked.identities):
        if _is(signer, entry) and _in_time(signer, entry):
            since = f" for what was signed since {entry.after.isoformat()}" if entry.after else ""
            what = f"the signer {signer.identity!r} is revoked{since}"
            raise _refusal(Code.REVOKED_IDENTITY, what, where, f"revoked.identities/{place} in {source}")


def _is(signer: Signer, entry: RevokedIdentity) -> bool:
    """Tell whether every demand of an entry is met; an entry has at least one, and a key has none of these."""
    return signer.key_hint is None and all(
        wanted is None or wanted == getattr(signer, name)
        for name, wanted in (
            ("issuer", entry.issuer),
            ("identity", entry.identity),
            ("repository_id", entry.repository_id),
            ("owner_id", entry.owner_id),
        )
    )


def _in_time(signer: Signer, entry: RevokedIdentity) -> bool:
    """Tell whether it was signed when the signer was revoked; a time that nobody knows counts as late."""
    if entry.after is None or signer.signed_at is None:
        return True
    return datetime.fromisoformat(signer.signed_at) >= entry.after


def _refusal(code: Code, what: str, where: str, listed: str) -> TrustRefused:
    return refuse(code, what, where=where, why=f"it is listed under {listed}", fix="install another version")
