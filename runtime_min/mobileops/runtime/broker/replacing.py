"""Put a socket of the host in the place of a plugin's: at once, or when its connection is there.

A blocking connect is answered only when the host's socket is connected, or has failed, or when the plugin's own
SO_SNDTIMEO is over; as in the kernel, the connection goes on then. Nothing waits for it here: the poll says when.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.broker.notify import Listener, Notification

WAITING_LIMIT: Final = 256


class Replacement(NamedTuple):
    """A socket that is to take the place of a plugin's.

    Attributes:
        notification: the call, which is not answered yet.
        socket: of the host; owned.
        close_on_exec: FD_CLOEXEC of the descriptor that it will replace.
        deadline: when the plugin's own SO_SNDTIMEO ends the wait, by the monotonic clock, or None.
    """

    notification: Notification
    socket: socket.socket
    close_on_exec: bool
    deadline: float | None = None


class Replacements:
    """Those of one plugin.

    Args:
        listener: where the calls came from.
        watch: asks to be called when a socket is writable.
    """

    def __init__(self, listener: Listener, *, watch: Callable[[socket.socket, Callable[[], None]], None]) -> None:
        self._listener = listener
        self._watch = watch
        self._waiting: dict[int, Replacement] = {}

    @property
    def is_full(self) -> bool:
        """Tell whether as many connections are being made as may be."""
        return len(self._waiting) >= WAITING_LIMIT

    @property
    def next_deadline(self) -> float | None:
        """Return when `expire` has something to do, by the monotonic clock."""
        return min((one.deadline for one in self._waiting.values() if one.deadline is not None), default=None)

    def expire(self) -> None:
        """End the waits that the plugin limited itself; as the kernel does, the connection goes on."""
        now = time.monotonic()
        for number, one in list(self._waiting.items()):
            if one.deadline is not None and one.deadline <= now:
                del self._waiting[number]
                self.put(one, errno.EINPROGRESS, blocking=True)

    def close(self) -> None:
        """Give up every connection that is being made."""
        for one in self._waiting.values():
            one.socket.close()
        self._waiting.clear()

    def put_when_connected(self, one: Replacement) -> None:
        """Replace and answer when the socket's connection is there, or has failed."""
        number = one.socket.fileno()
        self._waiting[number] = one
        self._watch(one.socket, lambda: self._finish(number, one))

    def put(self, one: Replacement, result: int, *, blocking: bool) -> None:
        """Replace the plugin's socket, then answer with an errno or 0."""
        with one.socket as ours:
            ours.setblocking(blocking)
            number = one.notification.arguments[0] & 0xFFFFFFFF
            try:
                self._listener.replace(one.notification, number, ours.fileno(), close_on_exec=one.close_on_exec)
            except OSError as error:
                self._listener.answer(one.notification, error.errno or errno.EBADF)
                return
        self._listener.answer(one.notification, result)

    def _finish(self, number: int, one: Replacement) -> None:
        """Answer a connect whose result is there, unless its wait has ended before."""
        if self._waiting.get(number) is not one:
            return
        del self._waiting[number]
        result = one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if result:
            one.socket.close()
            self._listener.answer(one.notification, result)
        else:
            self.put(one, 0, blocking=True)
