"""The unit file that has systemd run the plugin manager; a system unit for root, a user unit for everybody else.

The sandboxes of plugins are made by the plugin manager, so the unit must leave it what they are made of. Not set, and
why: RestrictNamespaces, PrivateUsers, ProtectHostname (plugins get namespaces); ProtectProc, ProcSubset,
ProtectKernelTunables, ProtectKernelLogs (each covers a part of /proc, and then the kernel lets nobody mount a new one
in a namespace: mount_namespaces(7)); ProtectControlGroups (plugins get control groups); SystemCallFilter (a plugin's
own is stricter).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "mobileops.service"
SYSTEM_FOLDER: Final = Path("/etc/systemd/system")
USER_FOLDER: Final = "systemd/user"
"""Below XDG_CONFIG_HOME."""

_TEXT: Final = """\
# Written by 'mobileops daemon --install-unit'. Changes belong into a drop-in: systemctl {scope}edit {name}
[Unit]
Description=MobileOps plugin manager
After=network.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=on-failure
RestartSec=1
WatchdogSec=30
TimeoutStopSec=120
KillMode=mixed
OOMPolicy=continue
Delegate=cpu memory pids
UMask=0077
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
{hardening}
[Install]
WantedBy={target}
"""
_OF_ROOT: Final = """\
ProtectSystem=full
ProtectKernelModules=yes
ProtectClock=yes
CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYSLOG CAP_WAKE_ALARM \
CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_LINUX_IMMUTABLE CAP_BPF CAP_PERFMON
"""
_OF_A_USER: Final = "NoNewPrivileges=yes\n"


def text(command: Sequence[str], *, is_system: bool) -> str:
    """Return the unit file.

    Args:
        command: runs the plugin manager in the foreground; absolute path first.
        is_system: whether it is root's.
    """
    return _TEXT.format(
        name=NAME,
        scope="" if is_system else "--user ",
        command=" ".join(_quoted(word) for word in command),
        hardening=_OF_ROOT if is_system else _OF_A_USER,
        target="multi-user.target" if is_system else "default.target",
    )


def path(config_home: Path, *, is_system: bool) -> Path:
    """Return where the unit file belongs.

    Args:
        config_home: XDG_CONFIG_HOME of the user.
        is_system: whether it is root's.
    """
    return (SYSTEM_FOLDER if is_system else config_home / USER_FOLDER) / NAME


def _quoted(word: str) -> str:
    """Quote one word of ExecStart: systemd.service(5), "Command lines"; % and $ are special there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or any(sign in word for sign in " \t'") else word
