"""`mobileops.runtime.output`: what a plugin prints, cut into lines."""

from __future__ import annotations

import asyncio
import os

from mobileops.runtime.output import MAX_LINE_BYTES, OutputReader


def lines_of(*pieces: bytes) -> list[str]:
    """Return the lines that come out when the pieces go in."""
    lines: list[str] = []

    async def main() -> None:
        read_end, write_end = os.pipe()
        OutputReader(read_end, lines.append)
        for piece in pieces:
            os.write(write_end, piece)
            await asyncio.sleep(0.001)
        os.close(write_end)
        while True:
            try:
                os.fstat(read_end)
            except OSError:
                return
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(main(), 10))
    return lines


def test_lines_are_cut_wherever_the_pieces_end() -> None:
    assert lines_of(b"one\ntw", b"o\nthree") == ["one", "two", "three"]


def test_a_line_without_end_arrives_in_bounded_pieces() -> None:
    lines = lines_of(*[b"x" * 8192] * 5)
    assert [len(line) for line in lines] == [MAX_LINE_BYTES, MAX_LINE_BYTES, 8192]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert lines_of(b"\xff\n") == ["\ufffd"]
