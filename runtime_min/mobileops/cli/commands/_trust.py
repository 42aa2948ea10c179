"""The operator's trust policy and pins, as commands need them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from mobileops.cli.layout import printable
from mobileops.runtime.store import signer_pins
from mobileops.runtime.trust import Trail, VerifiedBundle, anchors, load_policy, verify

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.cli.console import Console
    from mobileops.runtime.home import Home


class Change(NamedTuple):
    """What an action did to the trust policy.

    Attributes:
        what: in words.
        serial: of the policy now.
        changed: whether the policy is another one than before.
    """

    what: str
    serial: int
    changed: bool = True


def tell(console: Console, home: Home, change: Change, *, as_json: bool) -> None:
    """Say what was changed, for a program as schema/cli/trust-change.v1.schema.json describes."""
    if as_json:
        console.json({"policy": str(home.trust_policy), **change._asdict()})
    else:
        console.print(
            f"{printable(change.what)}; the policy has the serial {change.serial}{' now' if change.changed else ''}"
        )


def decide(
    home: Home, bundle: Path, signature: Path | None = None, *, trail: Trail | None = None, keep: bool = False
) -> VerifiedBundle:
    """Verify a bundle under this home's policy and pins; `keep` as for `verify`.

    Raises:
        TrustRefused, BundleRefused: the answer is no.
    """
    pins = signer_pins.load(home)
    return verify(bundle, policy=load_policy(home), pins=pins, signature=signature, trail=trail, keep=keep)


def warn(home: Home, console: Console) -> None:
    """Say which roots of this home's policy have become old."""
    now = time.time()
    for text, since in anchors.age_warnings(load_policy(home).rules).items():
        if now >= since:
            console.note(f"warning: {text}")
