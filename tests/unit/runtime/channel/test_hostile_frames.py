"""Frames that a hostile plugin may send: each ends its connection with a code, and costs the plugin manager little."""

from __future__ import annotations

import asyncio
import socket
import struct
import tracemalloc
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from mobileops.runtime.channel.bounded import MAX_NOTE_BYTES, MAX_VALUES
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.channel.questions import MAX_OPEN_QUESTIONS
from mobileops.runtime.channel.rpc import MAX_FRAME_BYTES, STREAM_WINDOW, Frame, Kind, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.errors import MobileOpsError

MOST_MEMORY_BYTES: Final = 64 << 20
"""What one hostile connection may cost, with blobs of `MAX_FRAME_BYTES` left out."""


def wire(payload: bytes) -> bytes:
    """Return a payload with its right length."""
    return struct.pack("<I", len(payload)) + payload


def frame(kind: int, request_id: object, method: object, body: bytes = b"\xc0") -> bytes:
    """Return a frame with an encoded body, well formed or not."""
    head = b"".join(map(msgspec.msgpack.encode, (kind, request_id, method)))
    return wire(b"\x94" + head + body)


def of(kind: Kind, request_id: int, body: Any = None, method: str = "") -> bytes:
    """Return a frame as an honest plugin would encode it."""
    return bytes(encode(Frame(kind, request_id, method, body)))


RESULT, ERROR, NOTE, ASK, ITEM, END = (
    int(kind) for kind in (Kind.RESULT, Kind.ERROR, Kind.NOTE, Kind.ASK, Kind.ITEM, Kind.END)
)
WIDE = b"\xdd" + struct.pack(">I", MAX_VALUES + 1) + b"\x90" * (MAX_VALUES + 1)
WIDE_MAP = (
    b"\xdf"
    + struct.pack(">I", MAX_VALUES)
    + b"".join(b"\xce" + struct.pack(">I", n) + b"\xc0" for n in range(MAX_VALUES))
)
DEEP = b"\x91" * 100_000 + b"\xc0"

# Request 1 is a call that waits; 2 is a stream that waits. 3 was never made.
CASES: Final[dict[str, tuple[str, bytes]]] = {
    # lengths
    "length: all ones": ("MOP5001", b"\xff\xff\xff\xff"),
    "length: one more than the limit": ("MOP5001", struct.pack("<I", MAX_FRAME_BYTES + 1)),
    "length: the sign bit": ("MOP5001", struct.pack("<I", 1 << 31)),
    "length: big-endian": ("MOP5001", struct.pack(">I", 64) + b"\x94"),
    "length: zero": ("MOP5002", wire(b"")),
    "length: too short for its frame": ("MOP5002", struct.pack("<I", 3) + of(Kind.NOTE, 0)[4:]),
    "length: one too long, then a frame": ("MOP5002", struct.pack("<I", 6) + b"\x94\x05\x00\xa0\xc0\x00"),
    "length: after a good frame": ("MOP5001", of(Kind.NOTE, 0, {}, "log") + b"\xff\xff\xff\x7f"),
    # what a frame is
    "frame: nil": ("MOP5002", wire(b"\xc0")),
    "frame: a map": ("MOP5002", wire(b"\x84\x00\x00\x01\x00\x02\x00\x03\x00")),
    "frame: text": ("MOP5002", wire(b"\xa4abcd")),
    "frame: empty array": ("MOP5002", wire(b"\x90")),
    "frame: three items": ("MOP5002", wire(b"\x93\x05\x00\xa0")),
    "frame: trailing byte": ("MOP5002", wire(b"\x94\x05\x00\xa0\xc0\xc0")),
    "frame: two in one length": ("MOP5002", wire(b"\x94\x05\x00\xa0\xc0" * 2)),
    "frame: array that lies": ("MOP5002", wire(b"\xdd\xff\xff\xff\xff")),
    "frame: cut in the head": ("MOP5002", wire(b"\x94\x05")),
    "frame: cut in the body": ("MOP5002", wire(b"\x94\x05\x00\xa0\xda\x00")),
    "frame: a byte no value begins with": ("MOP5002", wire(b"\xc1")),
    "frame: body of a byte no value begins with": ("MOP5002", frame(NOTE, 0, "log", b"\xc1")),
    "frame: JSON": ("MOP5002", wire(b'[5, 0, "log", null]')),
    "frame: pickle": ("MOP5002", wire(b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.")),
    "frame: HTTP": ("MOP5001", b"GET / HTTP/1.1\r\n\r\n"),
    # kinds
    "kind: unknown": ("MOP5002", frame(99, 0, "")),
    "kind: negative": ("MOP5002", frame(-1, 0, "")),
    "kind: text": ("MOP5002", wire(b"\x94\xa1a\x00\xa0\xc0")),
    "kind: real number": ("MOP5002", wire(b"\x94\xcb" + struct.pack(">d", 5.0) + b"\x00\xa1x")),
    "kind: CALL": ("MOP5007", of(Kind.CALL, 1, {}, "start")),
    "kind: QUEUE": ("MOP5007", of(Kind.QUEUE, 1, {}, "start")),
    "kind: CONTROL": ("MOP5007", of(Kind.CONTROL, 1, None, "stop")),
    "kind: DELIVER": ("MOP5007", of(Kind.DELIVER, 0, {"topic": "a", "event": {}}, "event")),
    "kind: CANCEL": ("MOP5007", of(Kind.CANCEL, 1)),
    "kind: CREDIT": ("MOP5007", of(Kind.CREDIT, 2, 10**9)),
    # ids
    "id: nobody waits": ("MOP5003", of(Kind.RESULT, 3)),
    "id: zero": ("MOP5003", of(Kind.RESULT, 0)),
    "id: negative": ("MOP5003", of(Kind.RESULT, -1)),
    "id: largest": ("MOP5003", of(Kind.RESULT, 2**64 - 1)),
    "id: text": ("MOP5002", frame(RESULT, "1", "")),
    "id: nil": ("MOP5002", frame(RESULT, None, "")),
    "id: list": ("MOP5002", frame(RESULT, [1], "")),
    "id: answered twice": ("MOP5003", of(Kind.RESULT, 1) * 2),
    "id: answer, then error": ("MOP5003", of(Kind.RESULT, 1) + of(Kind.ERROR, 1, {})),
    "id: error of nobody": ("MOP5003", of(Kind.ERROR, 3, {"type": "X"})),
    # methods and bodies that the manager reads
    "method: bytes": ("MOP5002", frame(NOTE, 0, b"log")),
    "method: no UTF-8": ("MOP5002", wire(b"\x94\x05\x00\xa1\xff\xc0")),
    "method: nil": ("MOP5002", frame(NOTE, 0, None)),
    "note: no UTF-8": ("MOP5002", frame(NOTE, 0, "log", b"\xa1\xff")),
    "note: a key that cannot be one": ("MOP5002", frame(NOTE, 0, "log", b"\x81\x80\xc0")),
    "note: too many values": ("MOP5020", frame(NOTE, 0, "log", WIDE)),
    "note: too large a map": ("MOP5020", frame(NOTE, 0, "log", WIDE_MAP)),
    "note: too many bytes": ("MOP5020", of(Kind.NOTE, 0, b"x" * (MAX_NOTE_BYTES + 1), "log")),
    "note: too deep": ("MOP5002", frame(NOTE, 0, "log", DEEP)),
    "error: too many values": ("MOP5020", frame(ERROR, 1, "", WIDE)),
    "error: too deep": ("MOP5002", frame(ERROR, 1, "", DEEP)),
    "error: too many bytes": ("MOP5020", of(Kind.ERROR, 1, {"detail": "x" * MAX_NOTE_BYTES})),
    "result: too deep": ("MOP5002", frame(RESULT, 1, "", DEEP)),
    "result: an array that lies": ("MOP5002", frame(RESULT, 1, "", b"\xdd\xff\xff\xff\xff\xc0")),
    "result: a text that lies": ("MOP5002", frame(RESULT, 1, "", b"\xdb\xff\xff\xff\xffabc")),
    "ask: too many values": ("MOP5020", frame(ASK, 1, "event.publish", WIDE)),
    "ask: too large a map": ("MOP5020", frame(ASK, 1, "event.publish", WIDE_MAP)),
    "ask: too deep": ("MOP5002", frame(ASK, 1, "event.publish", DEEP)),
    "ask: a flood": ("MOP5008", b"".join(of(Kind.ASK, n, {}, "wait") for n in range(MAX_OPEN_QUESTIONS + 1))),
    "ask: a flood with one id": ("MOP5008", of(Kind.ASK, 7, {}, "wait") * (MAX_OPEN_QUESTIONS + 1)),
    # streams
    "stream: a value for a call": ("MOP5018", of(Kind.ITEM, 1, "x")),
    "stream: the end of a call": ("MOP5018", of(Kind.END, 1)),
    "stream: a value for nobody": ("MOP5018", of(Kind.ITEM, 3, "x")),
    "stream: the end for nobody": ("MOP5003", of(Kind.END, 3)),
    "stream: a result": ("MOP5003", of(Kind.RESULT, 2, "x")),
    "stream: a value after the end": ("MOP5018", of(Kind.END, 2) + of(Kind.ITEM, 2, "x")),
    "stream: the end twice": ("MOP5003", of(Kind.END, 2) * 2),
    "stream: more than granted": ("MOP5019", of(Kind.ITEM, 2, "x") * (STREAM_WINDOW + 1)),
    "stream: too deep": ("MOP5002", frame(ITEM, 2, "", DEEP)),
    "stream: an error too large": ("MOP5020", frame(ERROR, 2, "", WIDE)),
}


async def attacked(attack: bytes, *, step: int = 1 << 16) -> str | None:
    """Send an attack to a connection that a call and a stream wait at; return the code that it ended with."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    closed: asyncio.Future[MobileOpsError | None] = asyncio.get_running_loop().create_future()

    async def never(_frame: Frame) -> None:
        await asyncio.Event().wait()

    connection = Connection(ours, on_note=lambda _frame: None, on_ask=never, on_closed=closed.set_result)
    waiting = asyncio.ensure_future(connection.call(Kind.CALL, "call", deadline_s=60))
    await asyncio.sleep(0)
    stream = connection.stream("stream", deadline_s=60)
    streaming = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)

    async def send() -> None:
        for at in range(0, len(attack), step):
            await asyncio.get_running_loop().sock_sendall(theirs, attack[at : at + step])

    sending = asyncio.ensure_future(send())
    cause = await asyncio.wait_for(closed, 20)
    results = await asyncio.gather(waiting, streaming, sending, return_exceptions=True)
    await stream.aclose()
    theirs.close()
    assert all(not isinstance(one, RecursionError | MemoryError) for one in results)
    return cause.code if cause else None


@pytest.fixture
def measured() -> Iterator[None]:
    """Fail when the block has needed more memory at once than one connection may cost."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < MOST_MEMORY_BYTES


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_frame_ends_its_connection_with_a_code_and_costs_little(name: str) -> None:
    code, attack = CASES[name]
    assert asyncio.run(attacked(attack)) == code


@pytest.mark.parametrize("name", [name for name, (_code, attack) in CASES.items() if len(attack) < 100])
def test_the_same_frame_byte_by_byte_ends_the_same_way(name: str) -> None:
    code, attack = CASES[name]
    assert asyncio.run(attacked(attack, step=1)) == code


@pytest.mark.usefixtures("measured")
def test_a_frame_that_is_announced_and_never_sent_holds_no_memory() -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        connection = Connection(ours, on_note=print, on_ask=_refuse, on_closed=lambda _cause: None)
        theirs.sendall(struct.pack("<I", MAX_FRAME_BYTES) + b"\x94\x03")
        for _ in range(5):
            await asyncio.sleep(0)
        connection.close()
        theirs.close()

    async def _refuse(_frame: Frame) -> None:
        raise AssertionError

    asyncio.run(scenario())


def test_without_the_count_a_small_message_would_be_a_large_one() -> None:
    tracemalloc.start()
    msgspec.msgpack.decode(b"\xdd" + struct.pack(">I", 1 << 20) + b"\x90" * (1 << 20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak > 50 << 20  # of one MiB: the attack that MAX_VALUES stops


def test_one_hostile_plugin_does_not_disturb_the_calls_of_another() -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        honest = Connection(ours, on_note=lambda _frame: None, on_ask=_nothing, on_closed=lambda _cause: None)
        call = asyncio.ensure_future(honest.request(Kind.CALL, "m", deadline_s=20))
        await asyncio.sleep(0)
        for name in ("ask: a flood", "note: too many values", "stream: more than granted"):
            assert await attacked(CASES[name][1]) == CASES[name][0]
        await asyncio.get_running_loop().sock_sendall(theirs, of(Kind.RESULT, 1, "untouched"))
        assert await call == "untouched"
        honest.close()
        theirs.close()

    async def _nothing(_frame: Frame) -> None:
        return None

    asyncio.run(scenario())


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
