"""`mobileops.runtime.channel.connection`: the manager's end of a channel, against a peer that may be hostile."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mobileops.errors import CallError, MobileOpsError, PluginError, PluginGone, RefusedError
from mobileops.runtime.channel import connection as module
from mobileops.runtime.channel.answers import remote_error
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import STREAM_WINDOW, Frame, Kind, encode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


class Peer:
    """A plugin's end, driven by hand."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.notes: list[Frame] = []
        self.closed: list[MobileOpsError | None] = []
        self._ended, self._noted = asyncio.Event(), asyncio.Event()
        self.connection = Connection(ours, on_note=self._note, on_ask=self._asked, on_closed=self._close)
        self.socket.setblocking(False)
        self._decoder = Decoder()
        self._frames: list[Frame] = []

    def _note(self, frame: Frame) -> None:
        self.notes.append(frame)
        self._noted.set()

    async def _asked(self, frame: Frame) -> Any:
        if frame.method == "refuse":
            raise PluginError("no", code="MOP5304")
        return frame.body

    def _close(self, cause: MobileOpsError | None) -> None:
        self.closed.append(cause)
        self._ended.set()

    async def until_noted(self) -> None:
        """Wait for the first note."""
        await self._noted.wait()

    async def frame(self) -> Frame:
        """Return the next request."""
        while not self._frames:
            self._frames = self._decoder.feed(await asyncio.get_running_loop().sock_recv(self.socket, 1 << 20))
        return self._frames.pop(0)

    async def send(self, kind: Kind, request_id: int, body: Any = None, method: str = "") -> None:
        """Send one frame."""
        await asyncio.get_running_loop().sock_sendall(self.socket, encode(Frame(kind, request_id, method, body)))

    async def until_closed(self) -> MobileOpsError | None:
        """Wait until the connection ended and return why."""
        await self._ended.wait()
        return self.closed[0]


def drive(scenario: Callable[[Peer], Awaitable[None]]) -> None:
    """Run a scenario against a fresh peer, bounded in time."""

    async def main() -> None:
        peer = Peer()
        try:
            await asyncio.wait_for(scenario(peer), 10)
        finally:
            peer.connection.close()
            peer.socket.close()

    asyncio.run(main())


def test_a_request_is_answered_with_its_result() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", {"args": [1]}, deadline_s=5))
        frame = await peer.frame()
        assert (frame.kind, frame.method, frame.body) == (Kind.CALL, "m", {"args": [1]})
        await peer.send(Kind.RESULT, frame.id, "done")
        assert await request == "done"

    drive(scenario)


def test_answers_may_come_in_any_order() -> None:
    async def scenario(peer: Peer) -> None:
        first = asyncio.create_task(peer.connection.request(Kind.CALL, "a", deadline_s=5))
        second = asyncio.create_task(peer.connection.request(Kind.CALL, "b", deadline_s=5))
        await asyncio.sleep(0)
        await peer.send(Kind.RESULT, 2, "second")
        await peer.send(Kind.RESULT, 1, "first")
        assert (await first, await second) == ("first", "second")

    drive(scenario)


def test_an_error_answer_raises_with_the_remote_type() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        frame = await peer.frame()
        await peer.send(
            Kind.ERROR, frame.id, {"type": "ValueError", "message": "bad", "code": "MOP5010", "detail": "Traceback"}
        )
        with pytest.raises(CallError, match="ValueError: bad") as caught:
            await request
        assert (caught.value.remote_type, caught.value.why) == ("ValueError", "Traceback")

    drive(scenario)


@pytest.mark.parametrize(("code", "advised"), [("MOP5015", True), ("MOP5010", False), ("MOP7003", False)])
def test_a_wrong_argument_comes_with_a_fix(code: str, advised: bool) -> None:
    error = remote_error({"type": "TypeError", "message": "one too many", "code": code})
    assert (error.code, error.fix is not None) == (code, advised)


def test_an_error_answer_without_a_form_is_still_an_error() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        await peer.send(Kind.ERROR, (await peer.frame()).id, "nonsense")
        with pytest.raises(CallError):
            await request

    drive(scenario)


def test_a_deadline_raises_and_a_late_answer_is_dropped() -> None:
    async def scenario(peer: Peer) -> None:
        with pytest.raises(CallError) as caught:
            await peer.connection.request(Kind.CALL, "m", deadline_s=0.01)
        assert caught.value.code == "MOP5014"
        await peer.send(Kind.RESULT, 1, "late")
        await peer.send(Kind.NOTE, 0, None, "log")
        await peer.until_noted()
        assert peer.closed == []

    drive(scenario)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (bytes(encode(Frame(Kind.RESULT, 77, "", None))), "MOP5003"),
        (bytes(encode(Frame(Kind.CALL, 1, "start", None))), "MOP5007"),
        (bytes(encode(Frame(Kind.CONTROL, 1, "stop", None))), "MOP5007"),
        (b"\xff\xff\xff\xff", "MOP5001"),
        (b"\x01\x00\x00\x00\xc0", "MOP5002"),
    ],
    ids=["unknown id", "call", "control", "length", "garbage"],
)
def test_a_peer_that_breaks_the_protocol_is_cut_off(wire: bytes, code: str) -> None:
    async def scenario(peer: Peer) -> None:
        await asyncio.get_running_loop().sock_sendall(peer.socket, wire)
        cause = await peer.until_closed()
        assert cause is not None
        assert cause.code == code

    drive(scenario)


def test_a_second_answer_to_one_request_is_a_violation() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        frame = await peer.frame()
        await peer.send(Kind.RESULT, frame.id, 1)
        assert await request == 1
        await peer.send(Kind.RESULT, frame.id, 2)
        cause = await peer.until_closed()
        assert cause is not None
        assert cause.code == "MOP5003"

    drive(scenario)


def test_a_peer_that_hangs_up_fails_what_waits() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        await peer.frame()
        peer.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(PluginGone):
            await request
        assert peer.closed == [None]
        with pytest.raises(PluginGone):
            await peer.connection.request(Kind.CALL, "m", deadline_s=5)

    drive(scenario)


def test_too_many_waiting_requests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_REQUESTS", 1)

    async def scenario(peer: Peer) -> None:
        waiting = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        await peer.frame()
        with pytest.raises(RefusedError):
            await peer.connection.request(Kind.CALL, "m", deadline_s=5)
        peer.connection.close()
        with pytest.raises(PluginGone):
            await waiting

    drive(scenario)


def test_a_large_request_is_written_as_the_peer_reads() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", b"x" * 3_000_000, deadline_s=5))
        frame = await peer.frame()
        assert len(frame.body) == 3_000_000
        await peer.send(Kind.RESULT, frame.id, None)
        await request

    drive(scenario)


def test_a_peer_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT_BYTES", 1 << 20)

    async def scenario(peer: Peer) -> None:
        with pytest.raises(RefusedError):
            await peer.connection.request(Kind.CALL, "m", b"x" * (4 << 20), deadline_s=5)
        cause = await peer.until_closed()
        assert cause is not None
        assert cause.code == "MOP5006"

    drive(scenario)


def test_closing_twice_reports_once() -> None:
    async def scenario(peer: Peer) -> None:
        peer.connection.close()
        peer.connection.close()
        assert peer.closed == [None]

    drive(scenario)


def test_a_deadline_that_passes_cancels_the_call_at_the_plugin() -> None:
    async def scenario(peer: Peer) -> None:
        with pytest.raises(CallError):
            await peer.connection.request(Kind.CALL, "m", deadline_s=0.01)
        frames = [await peer.frame(), await peer.frame()]
        assert [(frame.kind, frame.id) for frame in frames] == [(Kind.CALL, 1), (Kind.CANCEL, 1)]

    drive(scenario)


def test_every_call_has_its_own_deadline_though_one_timer_serves_them_all() -> None:
    async def scenario(peer: Peer) -> None:
        seconds = (0.06, 5.0, 0.02, 0.04)
        calls = [asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=one)) for one in seconds]
        cancelled = []
        while len(cancelled) < 3:
            if (frame := await peer.frame()).kind is Kind.CANCEL:
                cancelled.append(frame.id)
        assert cancelled == [3, 4, 1]
        await peer.send(Kind.RESULT, 2, "in time")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(one, "code", one) for one in results] == ["MOP5014", "in time", "MOP5014", "MOP5014"]

    drive(scenario)


def test_a_caller_that_goes_away_cancels_the_call_at_the_plugin() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.request(Kind.CALL, "m", deadline_s=5))
        await peer.frame()
        request.cancel()
        assert (await peer.frame()).kind is Kind.CANCEL
        await peer.send(Kind.ERROR, 1, {"type": "CancelledError"})
        await peer.send(Kind.NOTE, 0, None, "log")
        await peer.until_noted()
        assert peer.closed == []

    drive(scenario)


async def values(stream: AsyncGenerator[msgspec.Raw, None], most: int) -> list[Any]:
    """Return the first values of a stream."""
    found: list[Any] = []
    async for value in stream:
        found.append(msgspec.msgpack.decode(value))
        if len(found) == most:
            break
    return found


def test_a_stream_yields_in_order_and_grants_more_as_it_is_taken() -> None:
    async def scenario(peer: Peer) -> None:
        taking = asyncio.create_task(values(peer.connection.stream("m", deadline_s=5), 1000))
        await peer.frame()
        for number in range(STREAM_WINDOW):
            await peer.send(Kind.ITEM, 1, number)
        assert [(await peer.frame()).body for _ in range(2)] == [STREAM_WINDOW // 2] * 2
        await peer.send(Kind.ITEM, 1, "more")
        await peer.send(Kind.END, 1)
        assert await taking == [*range(STREAM_WINDOW), "more"]

    drive(scenario)


def test_a_stream_whose_reader_stops_is_cancelled_and_its_last_values_are_dropped() -> None:
    async def scenario(peer: Peer) -> None:
        stream = peer.connection.stream("m", deadline_s=5)
        taking = asyncio.create_task(values(stream, 1))
        await peer.frame()
        await peer.send(Kind.ITEM, 1, "first")
        assert await taking == ["first"]
        await stream.aclose()
        assert (await peer.frame()).kind is Kind.CANCEL
        await peer.send(Kind.ITEM, 1, "late")
        await peer.send(Kind.ERROR, 1, {"type": "CancelledError"})
        await peer.send(Kind.NOTE, 0, None, "log")
        await peer.until_noted()
        assert peer.closed == []

    drive(scenario)


def test_a_stream_that_is_too_slow_is_cancelled() -> None:
    async def scenario(peer: Peer) -> None:
        with pytest.raises(CallError) as caught:
            await values(peer.connection.stream("m", deadline_s=0.01), 1)
        assert caught.value.code == "MOP5014"
        assert [(await peer.frame()).kind for _ in range(2)] == [Kind.CALL, Kind.CANCEL]

    drive(scenario)


def test_a_stream_ends_with_the_plugins_error_or_with_its_process() -> None:
    async def scenario(peer: Peer) -> None:
        raising = asyncio.create_task(values(peer.connection.stream("m", deadline_s=5), 9))
        lost = asyncio.create_task(values(peer.connection.stream("m", deadline_s=5), 9))
        await asyncio.sleep(0)
        await peer.send(Kind.ERROR, 1, {"type": "ValueError", "message": "no"})
        with pytest.raises(CallError, match="ValueError: no"):
            await raising
        peer.connection.close()
        with pytest.raises(PluginGone):
            await lost

    drive(scenario)


def test_a_result_is_handed_on_without_being_decoded() -> None:
    async def scenario(peer: Peer) -> None:
        request = asyncio.create_task(peer.connection.call(Kind.CALL, "m", deadline_s=5))
        await peer.frame()
        await peer.send(Kind.RESULT, 1, [[]] * 1000)
        assert bytes(await request) == b"\xdc\x03\xe8" + b"\x90" * 1000

    drive(scenario)
