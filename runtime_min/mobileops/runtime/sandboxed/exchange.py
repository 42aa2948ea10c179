"""The plugin's end of its channel, for several threads: who waits, reads.

A plugin's process has several threads that may wait for the plugin manager: the serving one for the next request, any
one for the answer to what it asked. There is no further one that reads for all, because handing a frame from thread to
thread costs more than the frame. Whoever has to wait while nobody reads becomes the reader, keeps what is its own, puts
the rest where the others look, and tells them. So a method may ask the platform in the middle of a call, and so may
``start()`` in the main thread meanwhile.

No wake-up is lost: who waits counts itself before it tries to become the reader a last time, and the reader looks at
that count after it has ceased to be one.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mobileops.errors import MobileOpsError, from_dict
from mobileops.runtime.channel.rpc import ANSWERS, Frame, Kind, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.channel.blocking import BlockingChannel


class Exchange:
    """Sends and receives the frames of one plugin; any thread may use it.

    Attributes:
        cancelled: ids of requests that nobody waits for any more; the serving side takes them out.
    """

    def __init__(self, channel: BlockingChannel) -> None:
        """Use a channel that nobody else reads or writes."""
        self.cancelled: set[int] = set()
        self._channel = channel
        self._sending = threading.Lock()
        self._reading = threading.Lock()
        self._changed = threading.Condition()
        self._waiters = 0
        self._requests: deque[Frame] = deque()
        self._answers: dict[int, Frame | None] = {}
        self._last_id = 0

    def send(self, frame: Frame) -> None:
        """Send one frame.

        Raises:
            PluginGone: the plugin manager is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        wire = encode(frame)
        with self._sending:
            self._channel.send_wire(wire)

    def next_request(self) -> Frame:
        """Wait for what the plugin manager sends unasked; for the serving thread alone.

        Raises:
            PluginGone: the plugin manager is gone.
            ProtocolViolation: it sent something that is no frame.
        """
        requests = self._requests
        while not requests:
            self._advance(lambda: bool(requests))
        return requests.popleft()

    def ask(self, operation: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  msgpack values
        """Ask the plugin manager for something and wait for its answer.

        Raises:
            MobileOpsError: what it answered, as the class it was there.
            PluginGone: it is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        with self._changed:
            self._last_id += 1
            number = self._last_id
            self._answers[number] = None
        try:
            self.send(Frame(Kind.ASK, number, operation, body))
            while (answer := self._answers[number]) is None:
                self._advance(lambda: self._answers[number] is not None)
        finally:
            del self._answers[number]
        if answer.kind is Kind.ERROR:
            raise from_dict(answer.body)
        return answer.body

    def poll(self) -> None:
        """Take in what has arrived, without waiting; if another thread reads, that thread does it."""
        if self._reading.acquire(blocking=False):
            try:
                with suppress(MobileOpsError):  # whoever waits next hears of it
                    self._file(self._channel.receive_ready())
            finally:
                self._stop_reading()

    def _advance(self, found: Callable[[], bool]) -> None:
        """Read once, or wait until whoever reads has read."""
        if not self._reading.acquire(blocking=False):
            with self._changed:
                self._waiters += 1
                try:
                    while not self._reading.acquire(blocking=False):
                        if found():
                            return
                        self._changed.wait()
                finally:
                    self._waiters -= 1
        try:
            if not found():  # who read before may have found it
                self._file(self._channel.receive_all())
        finally:
            self._stop_reading()

    def _stop_reading(self) -> None:
        self._reading.release()
        if self._waiters:
            with self._changed:
                self._changed.notify_all()

    def _file(self, frames: list[Frame]) -> None:
        for frame in frames:
            kind = frame.kind
            if kind in ANSWERS:
                if frame.id in self._answers:
                    self._answers[frame.id] = frame
                continue
            if kind is Kind.CANCEL:
                self.cancelled.add(frame.id)
            self._requests.append(frame)
