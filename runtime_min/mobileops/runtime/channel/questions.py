"""What a plugin asks of the plugin manager: so many at a time, of so many bytes, each answered once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import MobileOpsError, ProtocolViolation
from mobileops.runtime.channel.bounded import decoded, size_bytes
from mobileops.runtime.channel.rpc import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import msgspec

MAX_OPEN_QUESTIONS: Final = 256
"""How many answers a plugin may wait for at the same time."""

MAX_QUESTION_BYTES: Final = 64 << 20
"""All its open questions together."""


class Questions:
    """The open questions of one plugin."""

    def __init__(self, on_ask: Callable[[Frame], Awaitable[Any]], *, post: Callable[[Frame], None]) -> None:
        """Start without any.

        Args:
            on_ask: answers one; a `MobileOpsError` that it raises is the answer, too.
            post: sends an answer.
        """
        self._on_ask = on_ask
        self._post = post
        self._open: set[asyncio.Task[None]] = set()
        self._bytes = 0

    def take(self, request_id: int, method: str, body: msgspec.Raw | bytes) -> None:
        """Take in one question.

        Raises:
            ProtocolViolation: it is one too many (MOP5008), or too large (MOP5020).
        """
        size = size_bytes(body)
        self._bytes += size
        if len(self._open) >= MAX_OPEN_QUESTIONS or self._bytes > MAX_QUESTION_BYTES:
            raise ProtocolViolation(
                f"{len(self._open) + 1} questions at the same time, of {self._bytes} bytes", code="MOP5008"
            )
        frame = Frame(Kind.ASK, request_id, method, decoded(body, most_bytes=MAX_QUESTION_BYTES))
        question = asyncio.get_running_loop().create_task(self._answer(frame, size))
        self._open.add(question)
        question.add_done_callback(self._open.discard)

    def cancel(self) -> None:
        """Answer none of them."""
        for question in self._open:
            question.cancel()

    async def _answer(self, frame: Frame, size: int) -> None:
        try:
            answer = Frame(Kind.RESULT, frame.id, "", await self._on_ask(frame))
        except MobileOpsError as error:
            answer = Frame(Kind.ERROR, frame.id, "", error.to_dict())
        finally:
            self._bytes -= size
        self._post(answer)
