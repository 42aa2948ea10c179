"""Signing: an embedded Sigstore instance, and signatures of bundles made with it."""

from __future__ import annotations

from mobileops.toolchain.sign.local import LocalInstance
from mobileops.toolchain.sign.signing import Signed, sign_bundle
from mobileops.toolchain.sign.statement import BuildInputs, Source

__all__ = ["BuildInputs", "LocalInstance", "Signed", "Source", "sign_bundle"]
