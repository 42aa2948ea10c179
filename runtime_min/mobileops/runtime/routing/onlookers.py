"""Somebody outside who looks at the events as they come: ``mobileops event watch``.

An onlooker that does not keep up loses events, as a plugin does, and is told how many with the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest.topics import covers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

MAX_WAITING_BYTES: Final = 4 << 20


class Onlooker:
    """One of them.

    Attributes:
        pattern: which topics it looks at.
    """

    def __init__(self, pattern: str) -> None:
        """Have seen nothing yet."""
        self.pattern = pattern
        self._waiting: deque[tuple[Mapping[str, Any], int]] = deque()
        self._waiting_bytes = 0
        self._lost = 0
        self._some = asyncio.Event()
        self._over = False

    def close(self) -> None:
        """Let `events` end once everything is taken: no more will come."""
        self._over = True
        self._some.set()

    def see(self, event: Mapping[str, Any], size_bytes: int) -> None:
        """Keep an event until it is taken, or count it as lost.

        Args:
            event: with its ``topic``.
            size_bytes: what it weighs.
        """
        if not covers(self.pattern, str(event["topic"])):
            return
        if self._waiting_bytes + size_bytes > MAX_WAITING_BYTES:
            self._lost += 1
            return
        self._waiting.append(({**event, "lost": self._lost}, size_bytes))
        self._waiting_bytes += size_bytes
        self._lost = 0
        self._some.set()

    async def events(self) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield what is seen; ``lost`` is how many events there were before each that nobody had room for."""
        while True:
            await self._some.wait()
            while self._waiting:
                event, size_bytes = self._waiting.popleft()
                self._waiting_bytes -= size_bytes
                yield event
            if self._over:
                return
            self._some.clear()
