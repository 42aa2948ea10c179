"""Signing: four modes behind one ``Signer``, among them an embedded Sigstore instance, and what is signed."""

from __future__ import annotations

from mobileops.toolchain.sign.key import KeySigner
from mobileops.toolchain.sign.local import LocalInstance, LocalSigner
from mobileops.toolchain.sign.signer import Signature, SignedBy, Signer
from mobileops.toolchain.sign.signing import Signed, sign_bundle
from mobileops.toolchain.sign.statement import BuildInputs, Source

__all__ = [
    "BuildInputs",
    "KeySigner",
    "LocalInstance",
    "LocalSigner",
    "Signature",
    "Signed",
    "SignedBy",
    "Signer",
    "Source",
    "sign_bundle",
]
