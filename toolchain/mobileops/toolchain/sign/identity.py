"""Check the identity that a signer's certificate will carry."""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509

from mobileops.errors import UsageError

MAX_IDENTITY_CHARACTERS: Final = 256

# Deliberately narrow: an identity is compared as text, so nothing may be in it that looks like another one.
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!#$%&'()*+,./:;=?@\[\]_~A-Za-z0-9-]+")


def general_name(identity: str) -> x509.GeneralName:
    """Return the subject alternative name of an identity: an e-mail address or a URI.

    Raises:
        UsageError: ``MOP3201``, the text is neither.
    """
    if len(identity) <= MAX_IDENTITY_CHARACTERS:
        if _EMAIL.fullmatch(identity):
            return x509.RFC822Name(identity)
        if _URI.fullmatch(identity):
            return x509.UniformResourceIdentifier(identity)
    raise UsageError(
        f"{identity!r} cannot be a signer's identity",
        code="MOP3201",
        why=f"an identity is an e-mail address or a URI in ASCII of at most {MAX_IDENTITY_CHARACTERS} characters",
        fix="give one such as dev@example.org or https://example.org/team",
    )
