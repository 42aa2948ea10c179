"""Carry bytes between two sockets, for as long as both sides want to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

PIECE_BYTES: Final = 64 << 10
"""How much is under way in each direction: who sends waits until it was taken."""


async def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry what each side sends to the other until one hangs up; what it has sent before is still delivered.

    Args:
        one: non-blocking; not closed here.
        other: likewise.
    """
    ways = {asyncio.create_task(_carry(one, other)), asyncio.create_task(_carry(other, one))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(source: socket.socket, sink: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):  # it is gone: that is the end
        while data := await loop.sock_recv(source, PIECE_BYTES):
            await loop.sock_sendall(sink, data)
