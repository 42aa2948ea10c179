"""The plugin's end of its channel, for several threads: who waits, reads.

A plugin's process has two threads that may wait for the plugin manager: the serving one for the next request, any one
for the answer to what it asked. There is no third one that reads for both, because handing a frame from thread to
thread costs more than the frame. Whoever has to wait while nobody reads becomes the reader, keeps what is its own, puts
the rest where the others look, and tells them. So a method may ask the platform in the middle of a call, and so may
``start()`` in the main thread meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from mobileops.errors import from_dict
from mobileops.runtime.rpc import Frame, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.rpc import BlockingChannel

T = TypeVar("T")


class Exchange:
    """Sends and receives the frames of one plugin; any thread may use it."""

    def __init__(self, channel: BlockingChannel) -> None:
        """Use a channel that nobody else reads or writes."""
        self._channel = channel
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._reading = False
        self._requests: deque[Frame] = deque()
        self._answers: dict[int, Frame | None] = {}
        self._last_id = 0

    def send(self, frame: Frame) -> None:
        """Send one frame.

        Raises:
            PluginGone: the plugin manager is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        with self._sending:
            self._channel.send(frame)

    def next_request(self) -> Frame:
        """Wait for what the plugin manager sends unasked; for the serving thread alone.

        Raises:
            PluginGone: the plugin manager is gone.
            ProtocolViolation: it sent something that is no frame.
        """
        return self._requests.popleft() if self._requests else self._wait(self._take_request)

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
            answer = self._wait(lambda: self._answers[number])
        finally:
            with self._changed:
                del self._answers[number]
        if answer.kind is Kind.ERROR:
            raise from_dict(answer.body)
        return answer.body

    def _take_request(self) -> Frame | None:
        return self._requests.popleft() if self._requests else None

    def _wait(self, find: Callable[[], T | None]) -> T:
        """Return what `find` finds, reading frames until it does."""
        while True:
            with self._changed:
                while (found := find()) is None and self._reading:
                    self._changed.wait()
                if found is not None:
                    return found
                self._reading = True
            frames: list[Frame] = []
            try:
                frames = self._channel.receive_all()
            finally:
                with self._changed:
                    self._reading = False
                    self._file(frames)
                    self._changed.notify_all()

    def _file(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.kind not in {Kind.RESULT, Kind.ERROR}:
                self._requests.append(frame)
            elif frame.id in self._answers:
                self._answers[frame.id] = frame
