"""`mobileops.runtime.channel.rpc`: framing."""

from __future__ import annotations

import datetime as dt
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.errors import PluginGone, ProtocolViolation
from mobileops.runtime.channel import rpc
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.decoder import Decoder
from mobileops.runtime.channel.rpc import Frame, Kind, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
frames = st.builds(Frame, st.sampled_from(Kind), st.integers(0, 2**63 - 1), st.text(max_size=20), values)


@pytest.fixture
def pair() -> Iterator[tuple[BlockingChannel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = BlockingChannel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


@given(st.lists(frames, max_size=5), st.integers(1, 50))
def test_any_split_of_the_stream_gives_the_same_frames(sent: list[Frame], size: int) -> None:
    stream = b"".join(bytes(encode(frame)) for frame in sent)
    decoder = Decoder()
    got = [frame for at in range(0, len(stream), size) for frame in decoder.feed(stream[at : at + size])]
    assert got == sent


def test_a_length_beyond_the_limit_is_refused_before_the_payload_arrives() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        Decoder(limit=1000).feed((1001).to_bytes(4, "little"))
    assert caught.value.code == "MOP5001"


def test_four_gigabytes_declared_cost_nothing() -> None:
    with pytest.raises(ProtocolViolation):
        Decoder().feed(b"\xff\xff\xff\xff")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc0",
        b"\x93\x00\x01\xa1x",
        b"\x94\x0e\x01\xa1x\xc0",
        b"\x94\x00\xa1x\xa1x\xc0",
        b"\x94\x00\x01\xa1x\xc0\xc0",
        b"\x91" * 5000,
        b"\xdd\xff\xff\xff\xff",
    ],
    ids=["empty", "no array", "three items", "unknown kind", "id is text", "trailing byte", "deep", "lying length"],
)
def test_a_payload_that_is_no_frame_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        Decoder().feed(len(payload).to_bytes(4, "little") + payload)
    assert caught.value.code == "MOP5002"


def test_numeric_librarys_values_are_sent_as_plain_ones() -> None:
    class Array:
        def tolist(self) -> list[int]:
            return [1, 2]

    (frame,) = Decoder().feed(bytes(encode(Frame(Kind.RESULT, 1, "", {"a": Array(), "t": (1, 2)}))))
    assert frame.body == {"a": [1, 2], "t": [1, 2]}


def test_a_value_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(TypeError, match=r"builtins\.object"):
        encode(Frame(Kind.RESULT, 1, "", object()))


def test_dates_survive() -> None:
    now = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    (frame,) = Decoder().feed(bytes(encode(Frame(Kind.RESULT, 1, "", now))))
    assert frame.body == now


def test_an_oversized_frame_is_refused_by_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MAX_FRAME_BYTES", 100)
    with pytest.raises(ProtocolViolation):
        encode(Frame(Kind.CALL, 1, "m", b"x" * 200))


def test_a_request_gets_the_answer_with_its_id(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(encode(Frame(Kind.RESULT, 5, "", "value")))
    assert channel.request(Kind.CALL, "m", {}, request_id=5).body == "value"


def test_an_answer_to_another_request_is_a_violation(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(encode(Frame(Kind.RESULT, 6, "", "value")))
    with pytest.raises(ProtocolViolation) as caught:
        channel.request(Kind.CALL, "m", {}, request_id=5)
    assert caught.value.code == "MOP5003"


def test_a_closed_peer_is_reported_when_reading_and_when_writing(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.close()
    with pytest.raises(PluginGone):
        channel.receive()
    with pytest.raises(PluginGone):
        channel.send(Frame(Kind.CALL, 1, "m", None))


def test_a_reset_peer_is_reported(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    channel.send(Frame(Kind.CALL, 1, "m", None))
    theirs.close()  # with unread data: the kernel answers with a reset
    with pytest.raises(PluginGone):
        channel.receive()


def test_two_frames_that_arrive_together_are_received_one_by_one(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    theirs.sendall(bytes(encode(Frame(Kind.NOTE, 0, "a", None))) + bytes(encode(Frame(Kind.NOTE, 0, "b", None))))
    assert [channel.receive().method, channel.receive().method] == ["a", "b"]


def test_a_frame_that_is_read_alone_leaves_what_follows_it_in_the_socket(
    pair: tuple[BlockingChannel, socket.socket],
) -> None:
    channel, theirs = pair
    theirs.sendall(bytes(encode(Frame(Kind.RESULT, 1, "", "yes"))) + b"Content-Length: 7")
    frame = channel.receive_alone()
    assert frame is not None
    assert frame.body == "yes"
    assert channel._socket.recv(100) == b"Content-Length: 7"


@pytest.mark.parametrize("begun", [b"", b"\x05\0", b"\x05\0\0\0", b"\0\0\0\0"])
def test_a_frame_that_is_read_alone_and_does_not_come_is_none(
    pair: tuple[BlockingChannel, socket.socket], begun: bytes
) -> None:
    channel, theirs = pair
    theirs.sendall(begun)
    theirs.close()
    assert channel.receive_alone() is None


def test_a_reset_in_place_of_a_frame_that_is_read_alone_is_none(pair: tuple[BlockingChannel, socket.socket]) -> None:
    channel, theirs = pair
    channel.send(Frame(Kind.CALL, 1, "m", None))
    theirs.close()
    assert channel.receive_alone() is None


@pytest.mark.parametrize(("wire", "code"), [(b"\xff\xff\xff\xff", "MOP5001"), (b"\x01\0\0\0\xc0", "MOP5002")])
def test_what_is_no_frame_is_refused_when_it_is_read_alone(
    pair: tuple[BlockingChannel, socket.socket], wire: bytes, code: str
) -> None:
    channel, theirs = pair
    theirs.sendall(wire)
    with pytest.raises(ProtocolViolation) as caught:
        channel.receive_alone()
    assert caught.value.code == code
