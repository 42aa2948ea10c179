"""Which permissions a plan's plugins get: everything, what they had, or nothing is installed.

A first install gets what it declares: the operator asked for it and was shown the list. A new version of what is
installed gets more than it had only if somebody says so. Otherwise it is not installed, or, if that is what was asked
for, with what both the old list and the new one allow; the rest is denied like what no manifest declares.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from mobileops.errors import RefusedError
from mobileops.manifest import Permission, allows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.runtime.installation.plan import Step


class Answer(enum.Enum):
    """What the operator says to more permissions of an installed plugin."""

    ACCEPT = "accept"
    KEEP = "keep"
    NONE = "none"


def granted(step: Step, answer: Answer) -> tuple[str, ...] | None:
    """Return the permissions that a plugin gets; None for all that it declares.

    Raises:
        RefusedError: ``MOP6045``, it asks for more than it had, and nobody said anything to that.
    """
    if step.staged.before is None or answer is Answer.ACCEPT:
        return None
    if step.is_widening and answer is Answer.NONE:
        raise refusal([step])
    from mobileops.runtime.permissions.difference import differences  # noqa: PLC0415  a first install does without

    allowed = both(step.allowed, step.declared)
    if not any(one.allows_more for one in differences(allowed, step.declared)):
        return None
    return tuple(sorted(map(str, allowed)))


def both(old: Sequence[Permission], new: Sequence[Permission]) -> tuple[Permission, ...]:
    """Return what each of two lists allows.

    Law: every permission of the result is covered by one of ``old`` and by one of ``new``.
    """
    found = {one for one in new if allows(old, one)} | {one for one in old if allows(new, one)}
    return tuple(sorted(found, key=str))


def refusal(steps: Sequence[Step]) -> RefusedError:
    """Return the refusal of versions that could do more than those that are installed."""
    more = [
        f"{step.staged.name} {step.staged.verified.manifest.version}: {', '.join(map(str, one.after))}"
        for step in steps
        for one in step.permissions
        if one.allows_more
    ]
    return RefusedError(
        f"{', '.join(sorted({step.staged.name for step in steps}))} would be allowed more than now",
        code="MOP6045",
        why=f"nobody accepted this: {'; '.join(more)}",
        fix="--accept-permissions accepts it, --keep-permissions installs without it",
    )
