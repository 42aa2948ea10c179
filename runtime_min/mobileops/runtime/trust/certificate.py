"""Read who a signer's certificate names: one identity, one issuer, and what the issuer said about the build.

Fulcio's profile: https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md and ``oid-info.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from cryptography.x509 import RFC822Name, SubjectAlternativeName, UniformResourceIdentifier, UnrecognizedExtension

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.x509 import Certificate, GeneralName

ARC: Final = "1.3.6.1.4.1.57264.1."
ISSUER_RAW: Final = f"{ARC}1"
ISSUER_DER: Final = f"{ARC}8"
TAG_UTF8_STRING: Final = 0x0C
SHORT_FORM_LIMIT: Final = 0x80
LONG_FORM_ONE_BYTE: Final = 0x81
LONG_FORM_TWO_BYTES: Final = 0x82

CLAIMS: Final = {
    f"{ARC}9": "build_signer_uri",
    f"{ARC}10": "build_signer_digest",
    f"{ARC}11": "runner_environment",
    f"{ARC}12": "source_repository_uri",
    f"{ARC}13": "source_repository_digest",
    f"{ARC}14": "source_repository_ref",
    f"{ARC}15": "source_repository_identifier",
    f"{ARC}16": "source_repository_owner_uri",
    f"{ARC}17": "source_repository_owner_identifier",
    f"{ARC}18": "build_config_uri",
    f"{ARC}19": "build_config_digest",
    f"{ARC}20": "build_trigger",
    f"{ARC}21": "run_invocation_uri",
    f"{ARC}22": "source_repository_visibility",
}
"""Extension -> name of the claim. The older ones (``.2`` to ``.6``) say the same for one issuer only: not read."""


class Named(NamedTuple):
    """What a verified certificate says.

    Attributes:
        issuer: URL of whoever vouched for the identity.
        identity: e-mail address or URI.
        claims: name in `CLAIMS` -> value, of the claims that are there.
    """

    issuer: str
    identity: str
    claims: dict[str, str]


def read(leaf: Certificate, *, where: str) -> Named:
    """Return what a verified certificate says.

    Raises:
        TrustRefused: ``MOP3011``, there is not exactly one identity and one issuer, or a value cannot be read.
    """
    try:
        identities, said = _identities(leaf), dict(_unrecognized(leaf))
        issuers, claims = _issuers(said), {name: _utf8_string(said[oid]) for oid, name in CLAIMS.items() if oid in said}
    except Exception as error:  # extensions of a certificate are parsed on access, with errors of many kinds
        what = f"the signer's certificate cannot be read: {error!s:.300}"
        raise refuse(Code.IDENTITY, what, where=where) from error
    if len(issuers) != 1 or len(identities) != 1:
        what = f"the signer's certificate names {len(identities)} identities and {len(issuers)} issuers"
        raise refuse(Code.IDENTITY, what, where=where, why="a signer is one identity, vouched for by one issuer")
    return Named(issuers.pop(), identities[0], claims)


def _identities(leaf: Certificate) -> list[str]:
    names = list(leaf.extensions.get_extension_for_class(SubjectAlternativeName).value)
    return [
        name.value if isinstance(name, RFC822Name | UniformResourceIdentifier) else _unsupported(name) for name in names
    ]


def _unsupported(name: GeneralName) -> NoReturn:
    message = f"an identity of kind {type(name).__name__} is not supported"
    raise ValueError(message)


def _issuers(said: Mapping[str, bytes]) -> set[str]:
    """Return the issuer from each of the two extensions that may carry it."""
    raw = {said[ISSUER_RAW].decode()} if ISSUER_RAW in said else set()
    return raw | {_utf8_string(said[ISSUER_DER])} if ISSUER_DER in said else raw


def _unrecognized(leaf: Certificate) -> Iterator[tuple[str, bytes]]:
    for extension in leaf.extensions:
        if isinstance(extension.value, UnrecognizedExtension):
            yield extension.oid.dotted_string, extension.value.value


def _utf8_string(encoded: bytes) -> str:
    """Decode a DER UTF8String of less than 64 KiB that fills its buffer, its length in the shortest form."""
    header = {LONG_FORM_ONE_BYTE: 3, LONG_FORM_TWO_BYTES: 4}.get(encoded[1], 2)
    size = int.from_bytes(encoded[2:header]) if header > 2 else encoded[1]  # noqa: PLR2004 - tag and one byte of length
    shortest = 2 if size < SHORT_FORM_LIMIT else 3 if size < 1 << 8 else 4
    if encoded[0] != TAG_UTF8_STRING or header != shortest or len(encoded) != header + size:
        message = "a value is not a DER UTF8String"
        raise ValueError(message)
    return encoded[header:].decode()
