"""Which declared permissions were used, which were not, and what was refused: permissions joined with the audit log.

Only what somebody decided can be known. Connections and requests on the channel are decided one by one. Files,
variables and programs are granted at the start, and the kernel then allows or refuses without telling: of them it is
known that they were granted, not that they were used.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mobileops.runtime.instances.decisions import GRANT, START
from mobileops.runtime.isolation import policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.manifest.permissions import Permission
    from mobileops.runtime.audit import Counts

State: TypeAlias = Literal["used", "unused", "granted", "absent"]

MAX_TARGETS: Final = 5
#: First Linux that writes Landlock's refusals to the audit subsystem (admin-guide/LSM/landlock.rst).
_LANDLOCK_AUDIT: Final = (6, 15)


@dataclasses.dataclass(frozen=True, slots=True)
class Used:
    """What is known of one declared permission.

    Attributes:
        permission: as declared.
        state: ``used``; ``unused`` since the log begins; ``granted``, where use cannot be seen; or ``absent``, when the
            host did not have it at the last start.
        count: decisions that allowed something by it, or starts that granted it.
        last: time of the last of them that is still in the log, or None.
        targets: what for, the latest first, at most `MAX_TARGETS`.
    """

    permission: str
    state: State
    count: int
    last: str | None
    targets: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Denied:
    """Something that was refused.

    Attributes:
        operation: such as ``connect``.
        target: what was asked for.
        permission: that would have allowed it under another condition, or None.
        reason: why not.
        count: how often, in the lines that are still there.
        last: time of the last.
    """

    operation: str
    target: str
    permission: str | None
    reason: str
    count: int
    last: str


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """What a plugin did with its permissions.

    Attributes:
        since: time of the first decision, None when it was never started.
        starts: how often it was started since then.
        permissions: in the order of the manifest.
        denied: what was refused, the most frequent first; of the lines that are still there.
        denials: how often anything was refused since ``since``.
    """

    since: str | None
    starts: int
    permissions: tuple[Used, ...]
    denied: tuple[Denied, ...]
    denials: int


def usage(permissions: Iterable[Permission], lines: Iterable[dict[str, Any]], counts: Counts) -> Usage:
    """Join a manifest's permissions with the audit log.

    Args:
        permissions: as declared.
        lines: what `mobileops.runtime.audit.read` yields.
        counts: what `mobileops.runtime.audit.counts` returns.
    """
    known = sorted(lines, key=lambda line: str(line.get("time")))
    return Usage(
        since=counts.since,
        starts=counts.of.get(("allowed", START, ""), 0),
        permissions=tuple(_used(one, known, counts) for one in permissions),
        denied=_denied(known),
        denials=sum(number for (verdict, _operation, _permission), number in counts.of.items() if verdict == "denied"),
    )


def unseen(release: str) -> tuple[str, ...]:
    """Return what an audit on this kernel does not show, and where else to look.

    Args:
        release: of the kernel, as in ``uname -r``.
    """
    version = tuple(int(part) for part in release.partition("-")[0].split(".")[:2] if part.isdecimal())
    landlock = "this kernel does not write them down (Linux 6.15 does, with auditd running)"
    if version >= _LANDLOCK_AUDIT:
        landlock = "with auditd running, 'ausearch -m LANDLOCK_ACCESS' shows them"
    return (
        "which granted files, variables and programs were really used: 'mobileops permissions tighten' records tests",
        f"what Landlock refused inside the sandbox: {landlock}",
        "what the seccomp filter refused: it is loaded without logging, so the kernel tells nobody",
        "files that were looked for and are not in the sandbox: they do not exist there, nothing refuses them",
        "a refusal that a plugin's method reports (operation 'report') is the plugin's own word",
    )


def _used(permission: Permission, lines: list[dict[str, Any]], counts: Counts) -> Used:
    text = str(permission)
    mine = [line for line in lines if line.get("permission") == text and line.get("verdict") == "allowed"]
    count = sum(
        number for (verdict, _operation, by), number in counts.of.items() if verdict == "allowed" and by == text
    )
    state: State = "unused"
    if count:
        state = "granted" if permission.name in policy.KERNEL else "used"
    about = [line for line in lines if line.get("permission") == text]
    if about and (about[-1].get("operation"), about[-1].get("verdict")) == (GRANT, "denied"):
        state = "absent"
    latest = dict.fromkeys(_target(line) for line in reversed(mine))
    last = str(mine[-1].get("time")) if mine else None
    return Used(text, state, count, last, tuple(latest)[:MAX_TARGETS])


def _target(line: dict[str, Any]) -> str:
    name = line.get("name")
    return f"{line.get('target')} ({name})" if name else str(line.get("target"))


def _denied(lines: list[dict[str, Any]]) -> tuple[Denied, ...]:
    found: dict[tuple[str, str, str | None, str], list[str]] = {}
    for line in lines:
        if line.get("verdict") == "denied":
            key = (str(line.get("operation")), _target(line), line.get("permission"), str(line.get("reason")))
            found.setdefault(key, []).append(str(line.get("time")))
    rows = [Denied(*key, count=len(times), last=times[-1]) for key, times in found.items()]
    return tuple(sorted(rows, key=lambda row: (-row.count, row.operation, row.target)))
