"""Who a plugin is to the kernel: user ids, capabilities, no_new_privs.

When the plugin manager is root, nothing below it is: the zygote and its plugins live on a range of ids of their own.
That a plugin with host uid 0 is not contained even without capabilities was seen to be true: ``/proc/sys`` files
belong to uid 0.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import Final

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation.syscalls import (
    PR_CAP_AMBIENT,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_SECUREBITS,
    call,
    prctl,
)

#: First host uid of the zygote's range: between systemd's container range (ends at 1879048191) and 2147483647
#: (systemd's "Users, Groups, UIDs and GIDs", section "Summary": unused for 1879048192..2147483647).
UID_BASE: Final = 1_900_000_000
UID_COUNT: Final = 65_536
#: Uid and gid that a plugin sees for itself.
INSIDE_ID: Final = 1000

_CAPABILITY_VERSION_3: Final = 0x20080522
_AMBIENT_CLEAR_ALL: Final = 4
#: NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each with its lock (capabilities(7)).
_SECURE_BITS: Final = 0xEF


def plugin_uid(index: int) -> int | None:
    """Return the host uid of the plugin with this index, or None when the manager is an ordinary user.

    Args:
        index: 0 or more, the same for a plugin as long as it has data, different for every plugin.

    Raises:
        IsolationRefused: the range of ids is used up (MOP4009).
    """
    if os.geteuid() != 0:
        return None
    uid = UID_BASE + 1 + index
    if not UID_BASE < uid < UID_BASE + UID_COUNT - 1:
        raise IsolationRefused(
            f"no user id is left for plugin number {index}",
            code="MOP4009",
            why=f"the plugin manager uses {UID_COUNT} ids from {UID_BASE}, one per installed plugin",
            fix="uninstall plugins that are not used",
        )
    return uid


def become(uid: int, gid: int) -> None:
    """Set the real, effective and saved ids; from a namespace's root to another id this drops its capabilities."""
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def forbid_new_privileges() -> None:
    """Make set-user-id programs and file capabilities powerless for this process and all it starts."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Empty all five capability sets and lock the secure bits; needs CAP_SETPCAP in the own user namespace."""
    drop_bounding_set()
    call("prctl", PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    prctl(PR_SET_SECUREBITS, _SECURE_BITS)
    _set_none()


def drop_what_was_handed_down() -> None:
    """Empty the sets that a unit's AmbientCapabilities fill; needs no privilege."""
    call("prctl", PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    _set_none()


def _set_none() -> None:
    call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))


def drop_bounding_set() -> None:
    """Let no program that is executed from now on bring a capability with it; needs CAP_SETPCAP."""
    capability = 0
    while True:
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break  # past the kernel's last capability
        capability += 1
