"""`mobileops.runtime.channel.outgoing`: what is not taken is kept, in order, and an end is told."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from mobileops.runtime.channel.outgoing import Outgoing


async def drained(outgoing: Outgoing, reader: socket.socket, length: int) -> bytes:
    loop, found = asyncio.get_running_loop(), b""
    while len(found) < length:
        found += await loop.sock_recv(reader, 1 << 20)
    while outgoing.unsent_bytes:  # noqa: ASYNC110  the loop itself empties it
        await asyncio.sleep(0)
    return found


def driven(scenario: Any) -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            told: list[str] = []
            outgoing = Outgoing(
                ours,
                loop=asyncio.get_running_loop(),
                on_error=lambda: told.append("error"),
                on_drained=lambda: told.append("drained"),
            )
            await asyncio.wait_for(scenario(outgoing, theirs, told), 20)
            outgoing.close()

    asyncio.run(main())


def test_what_is_not_taken_at_once_arrives_in_order() -> None:
    async def scenario(outgoing: Outgoing, theirs: socket.socket, told: list[str]) -> None:
        pieces = [bytes([number]) * (1 << 20) for number in range(4)]
        for piece in pieces:
            outgoing.write(piece)
        assert outgoing.unsent_bytes > 0
        assert await drained(outgoing, theirs, 4 << 20) == b"".join(pieces)
        assert told == ["drained"]
        outgoing.write(b"x")
        assert (outgoing.unsent_bytes, told) == (0, ["drained"])

    driven(scenario)


def test_an_end_of_the_other_side_is_told_at_once() -> None:
    async def scenario(outgoing: Outgoing, theirs: socket.socket, told: list[str]) -> None:
        theirs.close()
        outgoing.write(b"x")
        assert (outgoing.unsent_bytes, told) == (0, ["error"])

    driven(scenario)


def test_an_end_while_something_waits_is_told_too() -> None:
    async def scenario(outgoing: Outgoing, theirs: socket.socket, told: list[str]) -> None:
        outgoing.write(b"x" * (4 << 20))
        theirs.close()
        while not told:  # noqa: ASYNC110  the loop itself tells
            await asyncio.sleep(0)
        assert set(told) == {"error"}

    driven(scenario)
