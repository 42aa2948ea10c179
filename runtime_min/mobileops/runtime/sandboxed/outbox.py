"""What a plugin sends: at once, or held back for a moment, so that many short answers leave in one system call.

Nothing is held for longer than about `HOLD_S`, whatever the method that runs meanwhile does: a thread of its own sees
to that. It is started when something is held for the first time, and sleeps while nothing is.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from mobileops.errors import MobileOpsError
from mobileops.runtime.channel.blocking import gone

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_S: Final = 0.001
MAX_HELD: Final = 64
MAX_HELD_BYTES: Final = 4 << 10
"""Longer ones are sent at once."""


class Outbox:
    """Sends wire forms in order; any thread may, but one alone holds back.

    Without a lock, `hold` only ever appends to a list, and whoever sends takes away what it has seen there.

    Attributes:
        held: what is held back.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        """Hold nothing yet.

        Args:
            write: sends all of some bytes, or raises OSError; called by one thread at a time.
        """
        self._write = write
        self._sending = threading.Lock()
        self.held: list[bytes] = []
        self._is_watched = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._can_hold: bool | None = None

    def send(self, wire: bytes) -> None:
        """Send something now, after what is held.

        Raises:
            PluginGone: nobody is there.
        """
        with self._sending:
            if self.held:
                wire = self._taken() + wire
            try:
                self._write(wire)
            except (BrokenPipeError, ConnectionResetError) as error:
                raise gone() from error

    def hold(self, wire: bytes) -> None:
        """Send something soon; for the serving thread alone.

        Raises:
            PluginGone: nobody is there.
        """
        held = self.held
        held.append(wire)
        if len(held) >= MAX_HELD or len(wire) > MAX_HELD_BYTES:
            self.flush()
        elif not self._is_watched:
            self._be_watched()

    def add(self, wire: bytes) -> None:
        """Send something together with whatever is sent next, or at the next `flush`."""
        self.held.append(wire)

    def flush(self) -> None:
        """Send what is held.

        Raises:
            PluginGone: nobody is there.
        """
        if self.held:
            self.send(b"")

    def _taken(self) -> bytes:
        held = self.held
        count = len(held)
        wire = b"".join(held[:count])
        del held[:count]
        return wire

    def _be_watched(self) -> None:
        """Have a thread send what is held for too long; where no thread can be had, nothing is held."""
        if self._can_hold is None:
            try:
                threading.Thread(target=self._watch, name="mobileops-sending", daemon=True).start()
                self._can_hold = True
            except RuntimeError:
                self._can_hold = False
        if self._can_hold:
            self._is_watched = True
            if self._wake.locked():  # else it is on its way back to the loop
                self._wake.release()
        else:
            self.flush()

    def _watch(self) -> None:
        while True:
            self._wake.acquire()
            while self._is_watched:
                time.sleep(HOLD_S)
                try:
                    self.flush()
                except MobileOpsError:
                    return  # the serving thread finds out the same way
                self._is_watched = False
                if self.held:  # since then; whoever held that has still seen it watched
                    self._is_watched = True
