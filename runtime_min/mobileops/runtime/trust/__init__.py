"""Whether a bundle may be installed: signature, signer, policy, pins, revocation.

The order of the checks is specified in ``verification``, the codes and outcomes in ``codes``.
"""

from __future__ import annotations

from mobileops.runtime.trust.codes import Code, Outcome
from mobileops.runtime.trust.policy import Pin, Signer, TrustPolicy
from mobileops.runtime.trust.verification import verify
from mobileops.runtime.trust.verified import VerifiedBundle

__all__ = ["Code", "Outcome", "Pin", "Signer", "TrustPolicy", "VerifiedBundle", "verify"]
