"""Tell from what sigstore-python raised which part of a signature does not hold.

The library has one kind of error for most of its checks, so the text decides; `PARTS` is in the order of its checks
(``sigstore/verify/verifier.py``, ``_verify_common_signing_cert``). A text that is not known, of a newer library say, is
the code of a signature that does not verify for whatever reason: the outcome is the same, only the hint is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from mobileops.errors import TrustRefused

PARTS: Final = (
    ("not enough sources of verified time", Code.NO_TIME),
    ("must contain an inclusion promise or signed timestamp", Code.NO_TIME),
    ("no Timestamp Authorities have been provided", Code.TIME_STAMP),
    ("Invalid Timestamp Response", Code.MATERIAL),
    ("failed to build timestamp certificate chain", Code.CHAIN),
    ("failed to verify SCT", Code.TRANSPARENCY),
    ("CTFE keys not found", Code.TRANSPARENCY),
    ("Key usage is not of type", Code.USAGE),
    ("Extended usage does not contain", Code.USAGE),
    ("inclusion proof has wrong size", Code.INCLUSION),
    ("inclusion proof contains invalid root hash", Code.INCLUSION),
    ("Inclusion proof contains invalid root hash signature", Code.CHECKPOINT),
    ("checkpoint", Code.CHECKPOINT),
    ("Did not find any Rekor keys", Code.CHECKPOINT),
    ("SET: invalid inclusion promise", Code.PROMISE),
    ("expired at time of signing", Code.CHAIN),
    ("DSSE: invalid signature", Code.ENVELOPE),
    ("log entry", Code.LOG_ENTRY),
    ("failed to load bundle", Code.MATERIAL),
    ("error parsing asn1 value", Code.MATERIAL),
)
"""Part of a message -> code; the first that fits."""


def refusal(error: BaseException, *, where: str, code: Code | None = None) -> TrustRefused:
    """Return the refusal of a signature that does not verify.

    Args:
        error: what the library raised.
        where: the signature file.
        code: what is known to be at fault; None lets the message decide.
    """
    code = code or next((found for part, found in PARTS if part in str(error)), Code.SIGNATURE)
    return refuse(
        code,
        f"{code.meaning}: {error!s:.300}",
        where=where,
        why="every part of a signature has to hold: certificate, time, log and signature",
        fix="get the bundle and its signature again from where they came from",
    )
