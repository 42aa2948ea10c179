"""The requests to one plugin that were not answered yet: their numbers, their deadlines, and who waits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.errors import MobileOpsError, PluginGone, ProtocolViolation
from mobileops.runtime.channel.answers import Stream, cancelled_late, remote_error
from mobileops.runtime.channel.bounded import MAX_NOTE_BYTES, decoded
from mobileops.runtime.channel.rpc import Frame, Kind, RawFrame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from mobileops.runtime.channel.answers import Value

    OnAnswer = Callable[[Value | None, MobileOpsError | None], object]

MAX_WAITING_REQUESTS: Final = 1024
"""How many requests may wait for a plugin's answers; more are refused."""


class Waiting:
    """A request that was not answered yet.

    Attributes:
        method: its name.
        on_answer: called once with what came of it; a value is valid only during the call.
        deadline_s: how long the answer may take.
        due_s: when that is over, by the event loop's clock.
        stream: takes the values, if it streams.
    """

    __slots__ = ("deadline_s", "due_s", "method", "on_answer", "stream")

    def __init__(
        self, method: str, on_answer: OnAnswer, *, deadline_s: float, due_s: float, stream: Stream | None = None
    ) -> None:
        self.method = method
        self.on_answer = on_answer
        self.deadline_s = deadline_s
        self.due_s = due_s
        self.stream = stream


class WaitingRequests:
    """All of one plugin."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, post: Callable[[Frame], None], hide: Callable[[str], str]
    ) -> None:
        """Start without any.

        Args:
            loop: whose clock counts.
            post: sends a frame to the plugin.
            hide: takes secrets out of errors.
        """
        self._loop = loop
        self._post = post
        self._hide = hide
        self._waiting: dict[int, Waiting] = {}
        self._next = 1
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_s = math.inf

    @property
    def count(self) -> int:
        """How many there are, those that were cancelled among them."""
        return len(self._waiting)

    @property
    def next(self) -> int:
        """The number of the next request; ids are of this side's own making."""
        return self._next

    def add(self, waiting: Waiting) -> None:
        """Take in the request that has the number `next`."""
        self._waiting[self._next] = waiting
        self._next += 1
        if waiting.due_s < self._alarm_s:
            self._wake_at(waiting.due_s)

    def cancel(self, number: int) -> None:
        """Let nobody wait any more, and tell the plugin; its answer is still known, and dropped when it comes."""
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.on_answer, waiting.due_s = _nobody, math.inf
            self._post(Frame(Kind.CANCEL, number, "", None))

    def result(self, number: int, value: Value) -> None:
        """Take in RESULT.

        Raises:
            ProtocolViolation: nobody waits for it (MOP5003).
        """
        waiting = self._waiting.get(number)
        if waiting is None or waiting.stream is not None:
            raise _unexpected(number)
        del self._waiting[number]
        waiting.on_answer(value, None)

    def item(self, number: int, value: Value) -> None:
        """Take in ITEM.

        Raises:
            ProtocolViolation: it is of no stream (MOP5018), or without credit (MOP5019).
        """
        waiting = self._waiting.get(number)
        if waiting is None or waiting.stream is None:
            raise ProtocolViolation(f"a value for {number}, which is no open stream", code="MOP5018")
        waiting.stream.put(kept(value))

    def ended(self, frame: RawFrame, body: Value) -> None:
        """Take in ERROR or END; the request waits until that has proved right, because a close fails what waits.

        Raises:
            ProtocolViolation: nobody waits for it (MOP5003, MOP5018), or the error is too much to read (MOP5020).
        """
        waiting = self._waiting.get(frame.id)
        if waiting is None:
            raise _unexpected(frame.id)
        if frame.kind is Kind.END and waiting.stream is None:
            raise ProtocolViolation(f"the end of {frame.id}, which is no stream", code="MOP5018")
        error = None
        if frame.kind is Kind.ERROR:
            error = remote_error(decoded(body, most_bytes=MAX_NOTE_BYTES), hide=self._hide)
        del self._waiting[frame.id]
        waiting.on_answer(None, error)

    def fail(self, cause: MobileOpsError | None) -> None:
        """Tell everybody that no answer can come any more."""
        if self._alarm is not None:
            self._alarm.cancel()
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            one.on_answer(None, cause or PluginGone("the plugin ended before it answered", code="MOP5004"))

    def _wake_at(self, due_s: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_s = due_s
        self._alarm = self._loop.call_at(due_s, self._expire)

    def _expire(self) -> None:
        """Cancel what is overdue, and look again when the next one may be; one timer serves all requests."""
        self._alarm, self._alarm_s = None, math.inf
        now = self._loop.time()
        for number, waiting in tuple(self._waiting.items()):
            if waiting.due_s <= now:
                on_answer = waiting.on_answer
                self.cancel(number)
                on_answer(None, cancelled_late(waiting.method, waiting.deadline_s))
        next_s = min((one.due_s for one in self._waiting.values()), default=math.inf)
        if next_s < self._alarm_s:
            self._wake_at(next_s)


def kept(value: Value) -> Value:
    """Return a value that stays valid."""
    return value.copy() if isinstance(value, msgspec.Raw) else value


def settle(future: asyncio.Future[Value], value: Value | None, error: MobileOpsError | None) -> None:
    """Give an answer to whoever awaits it."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
        future.exception()  # retrieved: whoever waits may be cancelled at the same moment
    elif value is not None:
        future.set_result(kept(value))


def _nobody(_value: Value | None, _error: MobileOpsError | None) -> None:
    """Take the answer to a request that was cancelled."""


def _unexpected(number: int) -> ProtocolViolation:
    return ProtocolViolation(f"an answer to request {number}, which does not wait for it", code="MOP5003")
