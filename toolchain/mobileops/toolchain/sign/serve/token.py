"""The identity token of a served instance: a JSON Web Token (RFC 7519) that only its server accepts.

It is signed with a key that never leaves the process (HS256, RFC 7518 section 3.2), and so cannot be made by others nor
outlive the process. Clients only look into it to see whom it names and whether it is still valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from mobileops.manifest.json_text import canonical

if TYPE_CHECKING:
    from datetime import datetime

AUDIENCE: Final = "sigstore"
LIFETIME_S: Final = 12 * 3600
KEY_BYTES: Final = 32


class TokenMint:
    """One token for one identity."""

    def __init__(self, *, issuer: str, identity: str, now: datetime) -> None:
        self.identity = identity
        self._expires = int(now.timestamp()) + LIFETIME_S
        issued = int(now.timestamp())
        claims = {"iss": issuer, "aud": AUDIENCE, "sub": identity, "iat": issued, "nbf": issued, "exp": self._expires}
        signed = f"{_part(canonical({'alg': 'HS256', 'typ': 'JWT'}))}.{_part(canonical(claims))}"
        signature = hmac.digest(secrets.token_bytes(KEY_BYTES), signed.encode(), hashlib.sha256)
        self.token = f"{signed}.{_part(signature)}"

    def accepts(self, token: str, *, now: datetime) -> bool:
        """Tell whether this is the token, and still valid; takes the same time whatever is wrong with it."""
        return hmac.compare_digest(token.encode(), self.token.encode()) and now.timestamp() < self._expires


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
