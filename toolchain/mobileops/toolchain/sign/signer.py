"""The interface that every way to sign has, and what a signature says about how it was made."""

from __future__ import annotations

import dataclasses
from typing import Literal, Protocol

Mode = Literal["keyless", "private", "local", "key"]
"""The public Sigstore, an organisation's own, the embedded instance of this account, or a long-lived key."""

Assurance = Literal["public", "private", "local", "key"]
"""Who else had to be wrong or dishonest for a false signature: the operators of a public log, of a private one, or
nobody beside the holder of the instance or of the key."""


@dataclasses.dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signs, and in which way.

    Attributes:
        mode: how the signature is made.
        identity: the e-mail address or URI of the certificate; in mode ``key`` the hint of the key.
        issuer: URL of whoever vouches for the identity; None in mode ``key``, where nobody does.
        assurance: what the issuer's word is worth.
    """

    mode: Mode
    identity: str
    issuer: str | None
    assurance: Assurance


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """A signed statement.

    Attributes:
        bundle: the Sigstore bundle (v0.3, JSON).
        by: who signed; in modes with certificates, what the certificate says and not what was asked for.
    """

    bundle: bytes
    by: SignedBy


class Signer(Protocol):
    """One identity in one mode. It never changes its mode: what cannot be signed this way is an error.

    Law: for every statement ``s``, ``sign(s).bundle`` is a Sigstore bundle v0.3 whose DSSE payload is exactly ``s``, of
    type ``application/vnd.in-toto+json``, with one signature, made by the identity in ``sign(s).by``.
    """

    def sign(self, statement: bytes) -> Signature:
        """Sign an in-toto statement.

        Raises:
            MobileOpsError: ``MOP32xx``, it cannot be signed in this mode.
        """
        ...
