"""Read who a signer's certificate names: exactly one identity, vouched for by exactly one issuer.

Fulcio's profile: https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md and ``oid-info.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.x509 import RFC822Name, SubjectAlternativeName, UniformResourceIdentifier, UnrecognizedExtension

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate, GeneralName

ISSUER_RAW: Final = "1.3.6.1.4.1.57264.1.1"
ISSUER_DER: Final = "1.3.6.1.4.1.57264.1.8"
TAG_UTF8_STRING: Final = 0x0C
SHORT_FORM_LIMIT: Final = 0x80
LONG_FORM_ONE_BYTE: Final = 0x81


def issuer_and_identity(leaf: Certificate, *, where: str) -> tuple[str, str]:
    """Return the issuer and the identity that a verified certificate names.

    Raises:
        TrustRefused: ``MOP3011``, there is none or more than one of either, or it cannot be read.
    """
    try:
        issuers, identities = set(_issuers(leaf)), _identities(leaf)
    except Exception as error:  # extensions of a certificate are parsed on access, with errors of many kinds
        what = f"the signer's certificate cannot be read: {error!s:.300}"
        raise refuse(Code.IDENTITY, what, where=where) from error
    if len(issuers) != 1 or len(identities) != 1:
        what = f"the signer's certificate names {len(identities)} identities and {len(issuers)} issuers"
        raise refuse(Code.IDENTITY, what, where=where, why="a signer is one identity, vouched for by one issuer")
    return issuers.pop(), identities[0]


def _identities(leaf: Certificate) -> list[str]:
    names = list(leaf.extensions.get_extension_for_class(SubjectAlternativeName).value)
    return [
        name.value if isinstance(name, RFC822Name | UniformResourceIdentifier) else _unsupported(name) for name in names
    ]


def _unsupported(name: GeneralName) -> NoReturn:
    message = f"an identity of kind {type(name).__name__} is not supported"
    raise ValueError(message)


def _issuers(leaf: Certificate) -> Iterator[str]:
    """Yield the issuer from each of the two extensions that may carry it."""
    for extension in leaf.extensions:
        if not isinstance(extension.value, UnrecognizedExtension):
            continue
        if extension.oid.dotted_string == ISSUER_RAW:
            yield extension.value.value.decode()
        elif extension.oid.dotted_string == ISSUER_DER:
            yield _utf8_string(extension.value.value)


def _utf8_string(encoded: bytes) -> str:
    """Decode a DER UTF8String of at most 255 bytes that fills its buffer."""
    header = 3 if encoded[1] == LONG_FORM_ONE_BYTE else 2
    size = encoded[header - 1]
    minimal = (size >= SHORT_FORM_LIMIT) == (header == 3)  # noqa: PLR2004 - the longer of the two headers above
    if encoded[0] != TAG_UTF8_STRING or not minimal or len(encoded) != header + size:
        message = "the issuer is not a DER UTF8String"
        raise ValueError(message)
    return encoded[header:].decode()
