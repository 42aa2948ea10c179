"""What comes back from a plugin: the values of a stream, and errors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mobileops.errors import CallError, ProtocolViolation
from mobileops.runtime.channel.rpc import NO_ANSWER, STREAM_WINDOW, WRONG_ARGUMENT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    import msgspec

    from mobileops.errors import MobileOpsError

    Value = msgspec.Raw | bytes


class Stream:
    """The values of one call that have arrived and were not taken yet, at most `STREAM_WINDOW`.

    Attributes:
        abandoned: nobody takes them any more; what still arrives is dropped.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open a stream with the credit of `STREAM_WINDOW` values."""
        self.abandoned = False
        self._loop = loop
        self._values: deque[Value] = deque()
        self._credit = STREAM_WINDOW
        self._taken = 0
        self._ended = False
        self._error: MobileOpsError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, value: Value) -> None:
        """Take in one value.

        Raises:
            ProtocolViolation: the plugin had no credit for it.
        """
        if self._credit == 0:
            raise ProtocolViolation("a value of a stream that was not asked for", code="MOP5019")
        self._credit -= 1
        if not self.abandoned:
            self._values.append(value)
            self._wake()

    def end(self, error: MobileOpsError | None) -> None:
        """Take in the end; the values before it can still be taken."""
        self._ended, self._error = True, error
        self._wake()

    async def next(self) -> Value | None:
        """Wait for the next value; None at the end.

        Raises:
            MobileOpsError: what the stream ended with.
        """
        while not self._values:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        self._taken += 1
        return self._values.popleft()

    def grant(self) -> int:
        """Return how many more values to ask for now: half a window at a time, so that few frames do it."""
        if self._taken < STREAM_WINDOW // 2:
            return 0
        more, self._taken = self._taken, 0
        self._credit += more
        return more

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def cancelled_late(method: str, deadline_s: float) -> CallError:
    """Return what a call is that has taken longer than its caller would wait."""
    return CallError(
        f"no answer to {method!r} within {deadline_s:g} s",
        code=NO_ANSWER,
        remote_type="TimeoutError",
        fix="give the call more time with --timeout",
    )


def remote_error(body: object, *, hide: Callable[[str], str] = str) -> CallError:
    """Turn an ERROR frame's body, which a plugin wrote, into an error; every field is only text.

    Args:
        body: of the frame.
        hide: takes secrets out of a text.
    """
    form = body if isinstance(body, dict) else {}
    remote_type = str(form.get("type", "Exception"))[:200]
    message = hide(str(form.get("message", "")))[:4000]
    code = str(form.get("code", "MOP5010"))[:16]
    fix = "call it with the arguments that its signature names" if code == WRONG_ARGUMENT else None
    error = CallError(f"{remote_type}: {message}", code=code, remote_type=remote_type, fix=fix)
    detail = form.get("detail")
    if detail:
        error.why = hide(str(detail))[:20000]
    return error
