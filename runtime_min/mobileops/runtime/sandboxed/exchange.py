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
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import MobileOpsError, from_dict
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import ANSWERS, CALL, RAW_FRAMES, Frame, Kind, encode, malformed
from mobileops.runtime.sandboxed.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.channel.arena import Arena
    from mobileops.runtime.channel.blocking import BlockingChannel

UNREADABLE: Final = object()
"""The body of a call that is no msgpack: its caller's fault, who gets an error for it."""

_FRAMES: Final = msgspec.msgpack.Decoder(Frame)
_BODIES: Final = msgspec.msgpack.Decoder()
_CALLS: Final = frozenset({Kind.CALL, Kind.QUEUE})


def _unreadable(payload: memoryview, error: Exception) -> Frame:
    """Return a call whose arguments cannot be decoded; its caller gets an error, and the plugin goes on."""
    try:
        frame = RAW_FRAMES.decode(payload)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise malformed(error) from error
    if frame.kind not in _CALLS:
        raise malformed(error) from error
    return Frame(frame.kind, frame.id, frame.method, UNREADABLE)


class Exchange:
    """Sends and receives the frames of one plugin; any thread may use it.

    Attributes:
        cancelled: ids of requests that nobody waits for any more; the serving side takes them out.
    """

    def __init__(self, channel: BlockingChannel, *, arena: Arena | None = None) -> None:
        """Use a channel that nobody else reads or writes, and the arena beside it."""
        self.cancelled: set[int] = set()
        self._channel = channel
        self._decoder = Decoder(frames=_FRAMES, rescue=_unreadable)
        channel.decode_with(self._decoder)
        self._arena = arena
        self._wire: Callable[[Frame], bytes] = encode if arena is None else arena.wire
        self._out = Outbox(channel.write)
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
        self._out.send(self._wire(frame))

    def reply(self, frame: Frame) -> None:
        """Send one frame, with those that follow soon because more requests have arrived already.

        Raises:
            PluginGone: the plugin manager is gone.
            TypeError: the body cannot be encoded; nothing was sent.
        """
        if self._requests:
            self._out.hold(self._wire(frame))
        else:
            self._out.send(self._wire(frame))

    def next_request(self) -> Frame:
        """Wait for what the plugin manager sends unasked; for the serving thread alone.

        Raises:
            PluginGone: the plugin manager is gone.
            ProtocolViolation: it sent something that is no frame.
        """
        requests = self._requests
        while not requests:
            if not self._reading.acquire(blocking=False):
                self._advance(requests.__len__)
                continue
            try:
                if not requests:  # who read before may have found one
                    self._read()
            finally:
                self._reading.release()
                if self._waiters:
                    self._tell()
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
                    for frame in self._channel.receive_ready():
                        self._file(frame)
            finally:
                self._stop_reading()

    def _advance(self, found: Callable[[], object]) -> None:
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
                self._read()
        finally:
            self._stop_reading()

    def _read(self) -> None:
        if self._out.held:
            self._out.flush()
        for frame in self._channel.receive_all():
            if frame.kind is CALL and frame.place is None:
                self._requests.append(frame)
            else:
                self._file(frame)
        if self._decoder.longest:
            self._make_room()

    def _stop_reading(self) -> None:
        self._reading.release()
        if self._waiters:
            self._tell()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _file(self, frame: Frame) -> None:
        kind = frame.kind
        if kind is Kind.TAKEN:
            if self._arena is not None:
                self._arena.freed(frame.id)
            return
        whole = frame if frame.place is None else self._out_of_the_arena(frame)
        if kind in ANSWERS:
            if frame.id in self._answers:
                self._answers[frame.id] = whole
            return
        if kind is Kind.CANCEL:
            self.cancelled.add(frame.id)
        self._requests.append(whole)

    def _make_room(self) -> None:
        """Let the plugin manager use the arena for bodies like the one that has just come in its frame."""
        longest, self._decoder.longest = self._decoder.longest, 0
        if self._arena is not None and (room := self._arena.open(longest)):
            self._out.add(encode(Frame(Kind.ROOM, room, "", None)))

    def _out_of_the_arena(self, frame: Frame) -> Frame:
        """Decode a body where it lies: whoever wrote it there does not change it before TAKEN."""
        assert self._arena is not None  # noqa: S101  the plugin manager uses one only if there is one
        assert frame.place is not None  # noqa: S101  the caller has looked
        try:
            with self._arena.seen(frame.place) as seen:
                body = _BODIES.decode(seen)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            if frame.kind not in _CALLS:
                raise malformed(error) from error
            body = UNREADABLE
        self._out.add(encode(Frame(Kind.TAKEN, frame.place.offset, "", None)))
        return Frame(frame.kind, frame.id, frame.method, body)
