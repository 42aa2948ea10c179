"""The trust policy of one home, and that it never goes back to an older edition.

A policy has a ``serial``. The highest one that this home has used is recorded; a policy with a lower one is refused,
and so is a missing policy after one that had a serial. Editing a policy without raising its serial stays possible:
only who distributes policies needs one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from mobileops.runtime import durable
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.policy import TrustPolicy

if TYPE_CHECKING:
    from mobileops.runtime.home import Home

MAX_STATE_BYTES: Final = 4 << 10
LOCK: Final = "trust-state.lock"


def load_policy(home: Home) -> TrustPolicy:
    """Return the policy of a home, and record its serial.

    Raises:
        TrustRefused: ``MOP3100`` to ``MOP3105`` the file, ``MOP3108`` it is older than one that was used here,
            ``MOP3131`` the record is damaged.
        OSError: the record cannot be written.
    """
    refreshed = home.public_root
    policy = TrustPolicy.load(
        home.trust_policy,
        local_root=home.sigstore / "trusted_root.json",
        public_root=refreshed if refreshed.exists() else None,
    )
    serial, seen = policy.rules.serial, _seen(home)
    if serial < seen:
        raise refuse(
            Code.POLICY_ROLLBACK,
            f"the trust policy has the serial {serial}, and this host has used {seen}",
            where=home.trust_policy,
            why="an older policy would bring back what was revoked since",
            fix=f"install the newest policy, or raise its serial to {seen} or more if it is the one that you mean",
        )
    if serial > seen:
        _record(home, serial)
    return policy


def _record(home: Home, serial: int) -> None:
    """Write a serial down, unless somebody else has recorded a higher one meanwhile."""
    with durable.locked(home.run / LOCK):
        if serial > _seen(home):
            durable.write(home.trust_state, json.dumps({"serial": serial}).encode())


def _seen(home: Home) -> int:
    try:
        serial = json.loads(read_regular(home.trust_state, limit=MAX_STATE_BYTES))["serial"]
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(home) from error
    if not isinstance(serial, int) or isinstance(serial, bool) or serial < 0:
        raise _damaged(home)
    return serial


def _damaged(home: Home) -> Exception:
    return refuse(
        Code.STATE_DAMAGED,
        "the record of the trust policy's serial cannot be read",
        where=home.trust_state,
        why="without it an older policy could come back unnoticed",
        fix="restore it from a copy; remove it only if you know that the policy is the newest",
    )
