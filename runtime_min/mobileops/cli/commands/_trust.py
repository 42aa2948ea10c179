"""The operator's trust policy and pins, as commands need them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mobileops.runtime.store import Store
from mobileops.runtime.trust import Trail, VerifiedBundle, anchors, load_policy, verify

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.cli.console import Console
    from mobileops.runtime.home import Home


def decide(home: Home, bundle: Path, signature: Path | None = None, trail: Trail | None = None) -> VerifiedBundle:
    """Verify a bundle under this home's policy and pins.

    Raises:
        TrustRefused, BundleRefused: the answer is no.
    """
    return verify(bundle, policy=load_policy(home), pins=Store(home).pins(), signature=signature, trail=trail)


def warn(home: Home, console: Console) -> None:
    """Say which roots of this home's policy have become old."""
    now = time.time()
    for text, since in anchors.age_warnings(load_policy(home).rules).items():
        if now >= since:
            console.note(f"warning: {text}")
