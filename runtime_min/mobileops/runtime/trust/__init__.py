"""Whether a bundle may be installed: signature, signer, policy, pins, revocation.

The order of the checks is specified in ``verification``, the codes and outcomes in ``codes``. The names below are
imported when they are first used: a cached verdict needs nothing of what a verification does.

Values are named tuples here: importing `dataclasses`, with `inspect` under it, and making thirteen takes a fifth
of the time of verifying the signature of a key.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as in typing, whose import would be most of the cost of a cached verdict
if TYPE_CHECKING:
    from typing import Final

    from mobileops.runtime.trust.codes import Code, Outcome
    from mobileops.runtime.trust.contents import Contents
    from mobileops.runtime.trust.host import load_policy
    from mobileops.runtime.trust.pins import Pin
    from mobileops.runtime.trust.policy import TrustPolicy
    from mobileops.runtime.trust.signer import Signer
    from mobileops.runtime.trust.steps import Trail
    from mobileops.runtime.trust.verification import verify, verify_installed
    from mobileops.runtime.trust.verified import VerifiedBundle

__all__ = [
    "Code",
    "Contents",
    "Outcome",
    "Pin",
    "Signer",
    "Trail",
    "TrustPolicy",
    "VerifiedBundle",
    "load_policy",
    "verify",
    "verify_installed",
]

_HOMES: Final[dict[str, str]] = {
    "Code": "codes",
    "Contents": "contents",
    "Outcome": "codes",
    "Pin": "pins",
    "Signer": "signers",
    "Trail": "steps",
    "TrustPolicy": "policy",
    "VerifiedBundle": "verified",
    "load_policy": "host",
    "verify": "verification",
    "verify_installed": "verification",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
