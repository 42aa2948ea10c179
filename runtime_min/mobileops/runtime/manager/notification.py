"""Tell a service manager how the plugin manager is: sd_notify(3), one datagram a message, no library.

``READY=1`` once requests are served, ``WATCHDOG=1`` at half the interval that the service manager asks for, from the
event loop itself so that a stuck loop is noticed, ``STOPPING=1`` before the plugins are stopped.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.supervision.timers import Timers

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """One service manager's socket, or none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take the address and the interval from the environment that the service manager made.

        Args:
            environment: of the process; NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID count.
        """
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):  # the abstract namespace, unix(7)
            self._address = "\0" + self._address[1:]
        self._interval_s = 0.0
        if environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            with suppress(ValueError):
                self._interval_s = int(environment.get("WATCHDOG_USEC", "0")) / _MICROSECONDS / 2

    def ready(self, timers: Timers) -> None:
        """Say that requests are served, and from now on, that they still are."""
        self._send("READY=1")
        if self._address and self._interval_s > 0:
            self._alive(timers)

    def status(self, text: str) -> None:
        """Say one line for ``systemctl status``."""
        self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1")

    def _alive(self, timers: Timers) -> None:
        self._send("WATCHDOG=1")
        timers.call_later(self._interval_s, self._alive, timers)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            notify.setblocking(False)  # noqa: FBT003  the standard library's own signature
            notify.sendto(message.encode(), self._address)
