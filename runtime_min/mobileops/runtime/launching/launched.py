"""What comes of a start: a plugin process whose sandbox stands, and later its end."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from mobileops.runtime.isolation.cgroups import Group


@dataclasses.dataclass(frozen=True, slots=True)
class Launched:
    """A plugin process whose sandbox stands.

    Attributes:
        launch_id: names this process in `Exit`.
        pid: as this process sees it; for people and metrics, never for signals.
        pidfd: to signal it with ``signal.pidfd_send_signal`` and to wait for it; the caller closes it.
        channel: this side of the plugin's stream socket; the caller closes it.
        output: read end of the plugin's stdout and stderr; the caller closes it.
        arena: descriptor of the memory that it shares with the manager, if there is any; the caller closes it.
        absent: granted paths that this host does not have.
        group: its control groups, if it has any; the caller removes them when it has ended.
        level: ``FULL`` or ``NO-NAMESPACE``.
        debugger: in debug mode, this side of the socket that editors are handed in by; the caller closes it.
    """

    launch_id: int
    pid: int
    pidfd: int
    channel: socket.socket
    output: int
    arena: int | None = None
    absent: tuple[str, ...] = ()
    group: Group | None = None
    level: str = "FULL"
    debugger: socket.socket | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Exit:
    """The end of a plugin process; ``status`` is its exit code, or a signal's number negated."""

    launch_id: int
    status: int
