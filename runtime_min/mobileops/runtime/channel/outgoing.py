"""The sending half of a socket that an event loop drives: what the other side does not take yet is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable


class Outgoing:
    """Writes to a non-blocking socket; whoever writes looks at `unsent_bytes` and decides how much that may be."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        on_error: Callable[[], object],
        on_drained: Callable[[], object] = lambda: None,
    ) -> None:
        """Write nothing yet.

        Args:
            connection: non-blocking.
            loop: that runs this.
            on_error: called when the other side is gone.
            on_drained: called whenever everything has been taken after it was not.
        """
        self._connection = connection
        self._loop = loop
        self._on_error = on_error
        self._on_drained = on_drained
        self._unsent = bytearray()

    @property
    def unsent_bytes(self) -> int:
        """How much the other side has not taken yet, beyond what the kernel keeps for it."""
        return len(self._unsent)

    def write(self, wire: bytes) -> None:
        """Send it, or keep what cannot be sent now."""
        if self._unsent:
            self._unsent += wire
            return
        sent = self._send(wire)
        if 0 <= sent < len(wire):
            self._unsent += memoryview(wire)[sent:]
            self._loop.add_writer(self._connection.fileno(), self._writable)

    def close(self) -> None:
        """Forget what was not sent; before the socket is closed."""
        if self._unsent:
            self._loop.remove_writer(self._connection.fileno())
            self._unsent = bytearray()

    def _send(self, wire: bytes | bytearray) -> int:
        """Return how much was sent; -1 when nothing ever will be."""
        try:
            return self._connection.send(wire)
        except BlockingIOError:
            return 0
        except OSError:
            self._on_error()
            return -1

    def _writable(self) -> None:
        sent = self._send(self._unsent)
        if sent < 0:
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._connection.fileno())
            self._on_drained()
