"""The operator's trust policy and pins, as commands need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.runtime.store import Store
from mobileops.runtime.trust import TrustPolicy, VerifiedBundle, verify

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.home import Home


def decide(home: Home, bundle: Path, signature: Path | None = None) -> VerifiedBundle:
    """Verify a bundle under this home's policy and pins.

    Raises:
        TrustRefused, BundleRefused: the answer is no.
    """
    policy = TrustPolicy.load(home.trust_policy, local_root=home.sigstore / "trusted_root.json")
    return verify(bundle, policy=policy, pins=Store(home).pins(), signature=signature)
