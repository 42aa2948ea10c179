"""`mobileops.runtime.channel.arena`: large bodies in shared memory, and what a hostile plugin may try with it."""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mobileops.errors import CallError, MobileOpsError, ProtocolViolation
from mobileops.runtime.channel import arena as module
from mobileops.runtime.channel.arena import FROM_BYTES, HALF_BYTES, PAGE_BYTES, SMALLEST_ROOM_BYTES, Arena, Space
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.bounded import MAX_NOTE_BYTES
from mobileops.runtime.channel.connection import Connection, delivery
from mobileops.runtime.channel.rpc import RAW_FRAMES, Call, Frame, Kind, Place, encode
from mobileops.runtime.sandboxed.exchange import UNREADABLE, Exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

LARGE = bytes(range(256)) * 1024  # 256 KiB


@pytest.fixture
def ends() -> Iterator[tuple[Arena, Arena]]:
    """The manager's end and the plugin's; the manager may use all of its half."""
    descriptor = module.create()
    manager, plugin = Arena(descriptor, is_manager=True), Arena(os.dup(descriptor), is_manager=False)
    manager.roomier(plugin.open(HALF_BYTES))
    yield manager, plugin
    manager.close()
    plugin.close()


def placed(wire: bytes) -> Place:
    place = RAW_FRAMES.decode(memoryview(wire)[4:]).place
    assert place is not None
    return place


def sent(arena: Arena, body: Any) -> Place:
    return placed(arena.wire(Frame(Kind.RESULT, 1, "", body)))


@pytest.mark.parametrize("flags", [module._NOEXEC_SEAL, 1 << 30], ids=["this kernel", "one without the flag"])
def test_nobody_can_change_its_size(monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
    monkeypatch.setattr(module, "_NOEXEC_SEAL", flags)
    descriptor = module.create()
    for size in (0, 4 * HALF_BYTES):
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, size)
    with pytest.raises(PermissionError):
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    os.close(descriptor)


@pytest.mark.parametrize("body", [LARGE, {"text": "x" * FROM_BYTES}, list(range(FROM_BYTES)), ["x" * 100] * FROM_BYTES])
def test_a_large_result_comes_out_as_it_went_in(ends: tuple[Arena, Arena], body: Any) -> None:
    manager, plugin = ends
    found = manager.copied(sent(plugin, body))
    assert (found if isinstance(found, bytes) else msgspec.msgpack.decode(found)) == body


@pytest.mark.parametrize(
    "body",
    [
        Call([LARGE, 1, "x"], {"more": None}),
        Call(msgspec.Raw(msgspec.msgpack.encode([LARGE])), {}),
        {"args": [LARGE], "kwargs": {}},
    ],
    ids=["values", "still msgpack", "a mapping"],
)
def test_a_large_call_comes_out_as_it_went_in(ends: tuple[Arena, Arena], body: Any) -> None:
    manager, plugin = ends
    with plugin.seen(sent(manager, body)) as seen:
        assert msgspec.msgpack.decode(seen) == msgspec.msgpack.decode(msgspec.msgpack.encode(body))


@pytest.mark.parametrize("body", [b"x", Call([b"x"], {}), Call(msgspec.Raw(b"\x90"), {}), {"a": 1}])
def test_a_small_body_stays_in_its_frame(ends: tuple[Arena, Arena], body: Any) -> None:
    frame = Frame(Kind.RESULT, 1, "", body)
    assert ends[1].wire(frame) == encode(frame)


def test_a_body_that_finds_no_room_stays_in_its_frame_until_there_is_some(ends: tuple[Arena, Arena]) -> None:
    manager, plugin = ends
    body = b"x" * (HALF_BYTES // 2 - PAGE_BYTES)
    first, _second = sent(plugin, body), sent(plugin, body)
    frame = Frame(Kind.RESULT, 1, "", body)
    assert plugin.wire(frame) == encode(frame)
    assert plugin.wire(Frame(Kind.RESULT, 1, "", ["x" * FROM_BYTES])) == encode(
        Frame(Kind.RESULT, 1, "", ["x" * FROM_BYTES])
    )
    plugin.freed(first.offset)
    assert sent(plugin, body) == first
    assert manager.copied(first) == body


def test_the_manager_uses_only_what_the_plugin_has_paid_for() -> None:
    descriptor = module.create()
    manager, plugin = Arena(descriptor, is_manager=True), Arena(os.dup(descriptor), is_manager=False)
    frame = Frame(Kind.CALL, 1, "x", Call([LARGE], {}))
    assert manager.wire(frame) == encode(frame)
    room = plugin.open(len(LARGE))
    assert room == SMALLEST_ROOM_BYTES
    assert os.fstat(descriptor).st_blocks * 512 == room
    assert plugin.open(len(LARGE)) == 0
    manager.roomier(room)
    assert placed(manager.wire(frame)).offset == 0
    assert plugin.open(HALF_BYTES) == HALF_BYTES
    manager.close()
    plugin.close()


def test_the_first_gap_that_fits_is_used() -> None:
    space = Space(8 * PAGE_BYTES)
    assert [space.reserve(2 * PAGE_BYTES) for _ in range(4)] == [0, 8192, 16384, 24576]
    space.free(8192)
    assert [space.reserve(3 * PAGE_BYTES), space.reserve(1)] == [None, 8192]


@pytest.mark.parametrize(
    "place",
    [
        Place(-PAGE_BYTES, FROM_BYTES),
        Place(0, 0),
        Place(0, -1),
        Place(0, FROM_BYTES - 1),
        Place(0, HALF_BYTES + 1),
        Place(HALF_BYTES - FROM_BYTES + 1, FROM_BYTES),
        Place(1 << 62, FROM_BYTES),
        Place(0, 1 << 62),
        Place((1 << 63) - 1, (1 << 63) - 1),
    ],
)
def test_a_place_outside_of_the_half_is_refused_before_it_is_read(ends: tuple[Arena, Arena], place: Place) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        ends[0].copied(place)
    assert caught.value.code == "MOP5022"


@pytest.mark.parametrize("offset", [0, 1, PAGE_BYTES, len(LARGE) + 4])
def test_places_that_overlap_are_refused_until_they_were_taken(ends: tuple[Arena, Arena], offset: int) -> None:
    manager, plugin = ends
    manager.copied(sent(plugin, LARGE))
    with pytest.raises(ProtocolViolation) as caught:
        manager.copied(Place(offset, FROM_BYTES))
    assert caught.value.code == "MOP5022"
    manager.taken()
    assert manager.copied(sent(plugin, LARGE)) == LARGE


def test_what_was_taken_may_be_used_again(ends: tuple[Arena, Arena]) -> None:
    manager, plugin = ends
    for number in range(5):
        place = sent(plugin, bytes([number]) * FROM_BYTES)
        assert manager.copied(place) == bytes([number]) * FROM_BYTES
        assert manager.taken() == [0]
        plugin.freed(0)
    assert manager.taken() == []


@pytest.mark.parametrize("offset", [0, PAGE_BYTES, -1, 1 << 60])
def test_nothing_can_be_freed_that_is_not_in_use(ends: tuple[Arena, Arena], offset: int) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        ends[0].freed(offset)
    assert caught.value.code == "MOP5023"


@pytest.mark.parametrize("room", [HALF_BYTES, HALF_BYTES + 1, 0, -1, 1 << 60])
def test_room_only_grows_and_not_beyond_the_half(ends: tuple[Arena, Arena], room: int) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        ends[0].roomier(room)
    assert caught.value.code == "MOP5023"


@pytest.mark.parametrize("inside", [b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x91" * 100_000], ids=["none", "lies", "deep"])
def test_what_lies_there_must_be_one_value(ends: tuple[Arena, Arena], inside: bytes) -> None:
    manager, plugin = ends
    place = sent(plugin, LARGE)
    plugin._memory()[HALF_BYTES : HALF_BYTES + len(inside)] = inside
    with pytest.raises(ProtocolViolation) as caught:
        manager.copied(place)
    assert caught.value.code == "MOP5002"


def test_what_was_copied_out_does_not_change_any_more(ends: tuple[Arena, Arena]) -> None:
    manager, plugin = ends
    found = [manager.copied(sent(plugin, LARGE)), manager.copied(sent(plugin, ["x" * FROM_BYTES]))]
    plugin._memory()[HALF_BYTES:] = b"\xff" * HALF_BYTES
    assert found[0] == LARGE
    assert isinstance(found[1], msgspec.Raw)
    assert msgspec.msgpack.decode(found[1]) == ["x" * FROM_BYTES]


def test_a_plugin_that_goes_on_writing_gets_a_whole_value_or_an_end(ends: tuple[Arena, Arena]) -> None:
    manager, plugin = ends
    place = sent(plugin, ["x" * 60] * 2000)
    memory, over = plugin._memory(), threading.Event()
    codes: set[str] = set()
    original = memory[HALF_BYTES : HALF_BYTES + place.length]

    def scribble() -> None:
        while not over.is_set():
            memory[HALF_BYTES : HALF_BYTES + 5] = b"\xc6\xff\xff\xff\xff"
            memory[HALF_BYTES : HALF_BYTES + place.length] = original

    writing = threading.Thread(target=scribble)
    writing.start()
    try:
        for _ in range(300):
            manager.taken()
            try:
                value = manager.copied(place)
            except ProtocolViolation as violation:
                codes.add(violation.code)
                continue
            assert len(value if isinstance(value, bytes) else memoryview(value)) <= place.length
            if not isinstance(value, bytes):
                msgspec.msgpack.decode(value)
    finally:
        over.set()
        writing.join()
    assert codes <= {"MOP5002"}


@contextmanager
def connected(plugin_side: Callable[[Exchange], None]) -> Iterator[tuple[Connection, list[MobileOpsError | None]]]:
    """A connection whose other end is served by a thread."""
    ours, theirs = socket.socketpair()
    descriptor = module.create()
    own = os.dup(descriptor)
    exchange = Exchange(BlockingChannel(theirs), arena=Arena(own, is_manager=False))
    thread = threading.Thread(target=plugin_side, args=(exchange,))
    closed: list[MobileOpsError | None] = []

    async def echo(frame: Frame) -> Any:
        return frame.body

    connection = Connection(ours, on_note=lambda _frame: None, on_ask=echo, on_closed=closed.append, arena=descriptor)
    thread.start()
    try:
        yield connection, closed
    finally:
        connection.close()
        thread.join(10)
        theirs.close()


def serve(exchange: Exchange) -> None:
    """Echo calls, as a plugin does; answers "ask" with what the manager answers."""
    try:
        while True:
            frame = exchange.next_request()
            if frame.body is UNREADABLE:
                body = {"type": "TypeError", "message": "unreadable", "code": "MOP5015"}
                exchange.send(Frame(Kind.ERROR, frame.id, "", body))
            elif frame.kind is Kind.CALL:
                [value] = frame.body["args"]
                value = exchange.ask("echo", value) if frame.method == "ask" else value
                exchange.reply(Frame(Kind.RESULT, frame.id, "", value))
            elif frame.kind is Kind.DELIVER:
                exchange.send(Frame(Kind.RESULT, frame.body["id"], "", frame.body["value"]))
    except MobileOpsError:
        return


def driven(scenario: Callable[[Connection], Awaitable[None]]) -> None:
    async def main() -> None:
        with connected(serve) as (connection, closed):
            await asyncio.wait_for(scenario(connection), 30)
            assert closed == []

    asyncio.run(main())


@pytest.mark.parametrize("method", ["echo", "ask"])
@pytest.mark.parametrize("value", [b"x" * (4 << 20), ["y" * 1000] * 4000, {"k": LARGE}], ids=["blob", "list", "nested"])
def test_large_values_go_there_and_back_again_and_again(method: str, value: Any) -> None:
    async def scenario(connection: Connection) -> None:
        for _ in range(6):
            body = {"args": [value if method == "echo" else {"v": value}]}
            answer = await connection.request(Kind.CALL, method, body, deadline_s=20)
            assert answer == (value if method == "echo" else {"v": value})
        assert connection._arena is not None
        assert connection._arena._space.room > 0  # the plugin has opened the manager's half
        await connection.request(Kind.CALL, "echo", {"args": [1]}, deadline_s=20)
        assert connection._arena._space._used == {}  # and has taken everything out

    driven(scenario)


def test_many_at_a_time_fall_back_to_their_frames_and_all_arrive() -> None:
    async def scenario(connection: Connection) -> None:
        values = [bytes([number]) * (3 << 20) for number in range(12)]
        for _ in range(2):
            calls = [connection.request(Kind.CALL, "echo", {"args": [value]}, deadline_s=20) for value in values]
            assert await asyncio.gather(*calls) == values

    driven(scenario)


def test_a_large_delivery_arrives() -> None:
    async def scenario(connection: Connection) -> None:
        for number in (1, 2, 3):
            waiting = asyncio.get_running_loop().create_future()
            connection.ask(
                Kind.CANCEL, "", deadline_s=20, on_answer=lambda value, _error, one=waiting: one.set_result(value)
            )
            connection.deliver(delivery("event", {"id": number, "value": LARGE}))
            assert await waiting == LARGE

    driven(scenario)


LIST = b"\xdd" + (FROM_BYTES - 5).to_bytes(4) + b"\xc0" * (FROM_BYTES - 5)
"""What lies at the beginning of the hostile plugin's half: a list of `FROM_BYTES`."""


def hostile(*frames: Frame) -> str:
    """Have a plugin send frames to a connection with an arena; return the code that it ended with."""

    def attack(exchange: Exchange) -> None:
        assert exchange._arena is not None
        exchange._arena._memory()[HALF_BYTES : HALF_BYTES + FROM_BYTES] = LIST
        exchange._out.send(b"".join(map(encode, frames)))
        serve(exchange)

    async def main() -> str:
        with connected(attack) as (connection, closed):
            with pytest.raises(MobileOpsError):
                await connection.call(Kind.CALL, "wait", {"args": [1]}, deadline_s=10)
            [violation] = closed
            assert violation is not None
            return violation.code

    return asyncio.run(main())


def referring(kind: Kind, number: int, offset: int, length: int) -> Frame:
    return Frame(kind, number, "log", None, Place(offset, length))


NOTE, RESULT, ASK, ERROR = Kind.NOTE, Kind.RESULT, Kind.ASK, Kind.ERROR
GOOD = referring(NOTE, 0, 0, FROM_BYTES)


@pytest.mark.parametrize(
    ("code", "frames"),
    [
        ("MOP5022", [referring(RESULT, 1, 0, 0)]),
        ("MOP5022", [referring(RESULT, 1, HALF_BYTES, FROM_BYTES)]),
        ("MOP5022", [referring(RESULT, 1, -HALF_BYTES, FROM_BYTES)]),
        ("MOP5022", [referring(NOTE, 0, 0, 1 << 40)]),
        ("MOP5022", [referring(ASK, 0, (1 << 63) - 1, FROM_BYTES)]),
        ("MOP5022", [GOOD, referring(NOTE, 0, FROM_BYTES // 2, FROM_BYTES)]),
        ("MOP5022", [GOOD] * 3000),
        ("MOP5002", [referring(NOTE, 0, 0, FROM_BYTES + 1)]),
        ("MOP5002", [referring(ERROR, 1, PAGE_BYTES, HALF_BYTES - PAGE_BYTES)]),
        ("MOP5003", [referring(RESULT, 9, 0, FROM_BYTES)]),
        ("MOP5018", [referring(Kind.ITEM, 1, 0, FROM_BYTES)]),
        ("MOP5007", [referring(Kind.CALL, 1, 0, FROM_BYTES)]),
        ("MOP5023", [Frame(Kind.TAKEN, 0, "", None)]),
        ("MOP5023", [Frame(Kind.TAKEN, -1, "", None)]),
        ("MOP5023", [Frame(Kind.ROOM, HALF_BYTES * 2, "", None)]),
        ("MOP5023", [Frame(Kind.ROOM, PAGE_BYTES, "", None), Frame(Kind.ROOM, PAGE_BYTES, "", None)]),
        ("MOP5023", [Frame(Kind.ROOM, 0, "", None)]),
    ],
    ids=[
        "zero length", "the other half", "negative", "huge length", "overflow", "overlapping", "a flood of one place",
        "more than a value", "nothing there", "nobody waits", "no stream", "wrong kind", "frees nothing",
        "frees a negative place", "room beyond the half", "room twice", "no room",
    ],
)  # fmt: skip
def test_a_hostile_reference_ends_the_connection(code: str, frames: list[Frame]) -> None:
    assert hostile(*frames) == code


def test_what_the_manager_reads_itself_is_bounded_in_the_arena_too() -> None:
    async def main() -> None:
        def attack(exchange: Exchange) -> None:
            exchange.send(Frame(Kind.NOTE, 0, "log", b"x" * (MAX_NOTE_BYTES + 1)))

        with connected(attack) as (connection, closed):
            with pytest.raises(MobileOpsError):
                await connection.call(Kind.CALL, "wait", {"args": [1]}, deadline_s=10)
            assert [one.code for one in closed if one is not None] == ["MOP5020"]

    asyncio.run(main())


def test_without_an_arena_a_reference_is_a_violation() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        closed: list[MobileOpsError | None] = []
        connection = Connection(
            ours, on_note=lambda _frame: None, on_ask=lambda _frame: asyncio.sleep(0), on_closed=closed.append
        )
        with theirs:
            theirs.sendall(encode(Frame(Kind.RESULT, 1, "", None, Place(0, FROM_BYTES))))
            with pytest.raises(ProtocolViolation):
                await connection.call(Kind.CALL, "x", deadline_s=10)
        assert [one.code for one in closed if one is not None] == ["MOP5022"]

    asyncio.run(main())


def test_an_argument_out_of_the_arena_that_cannot_be_read_is_the_callers_fault() -> None:
    async def scenario(connection: Connection) -> None:
        await connection.request(Kind.CALL, "echo", {"args": [LARGE]}, deadline_s=20)
        await connection.request(Kind.CALL, "echo", {"args": [1]}, deadline_s=20)  # by now there is room
        text = msgspec.msgpack.encode(["x" * FROM_BYTES]).replace(b"xxxx", b"\xff" * 4)
        with pytest.raises(CallError, match="TypeError"):
            await connection.call(Kind.CALL, "echo", Call(msgspec.Raw(text), {}), deadline_s=20)
        assert await connection.request(Kind.CALL, "echo", {"args": [2]}, deadline_s=20) == 2

    driven(scenario)


def test_both_ends_map_it_only_when_they_need_it() -> None:
    one = Arena(module.create(), is_manager=True)
    assert one._mapped is None
    one.close()
    one.close()
    assert mmap.PAGESIZE == PAGE_BYTES
