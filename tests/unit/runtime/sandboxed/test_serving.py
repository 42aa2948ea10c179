"""`mobileops.runtime.sandboxed.serving`: how methods run, are checked, stream and are cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime.channel.rpc import STREAM_WINDOW, Frame, Kind, encode
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.worker_thread import Running

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = """
    import threading
    from typing import Literal
    from mobileops.plugin import ServicePlugin, plugin_method

    class P(ServicePlugin):
        def __init__(self):
            super().__init__()
            self.seen = []

        @plugin_method
        def until_cancelled(self):
            self.log("INFO", "began")
            while not self.cancelled():
                pass
            return "noticed"

        @plugin_method
        def mark(self, value):
            self.seen.append(value)
            return self.seen

        @plugin_method
        def repeat(self, text: str, count: int = 1, *, how: Literal["up", "down"] = "up") -> str:
            return text * count + how

        @plugin_method
        def total(self, *numbers: float, **weights: int):
            return sum(numbers) + sum(weights.values())

        @plugin_method
        def blob(self, data: bytes):
            return len(data)

        @plugin_method
        def odd(self, thing: threading.Lock):
            return thing
"""
MIXED = """
    import asyncio
    import threading
    from mobileops.plugin import ServicePlugin, plugin_method

    class P(ServicePlugin):
        def __init__(self):
            super().__init__()
            self.closed = []
            self.opened = threading.Event()

        @plugin_method
        async def first(self):
            self.gate = asyncio.Event()
            self.opened.set()
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.closed.append("first")
                raise
            return "first"

        @plugin_method
        async def second(self, value: int = 2):
            await asyncio.to_thread(self.opened.wait)
            self.gate.set()
            return value

        @plugin_method
        def plain(self):
            self.opened.wait()
            return "plain"

        @plugin_method
        def trace(self):
            return self.closed

        @plugin_method
        def count(self, most: int):
            try:
                for number in range(most):
                    yield number
            finally:
                self.closed.append("count")

        @plugin_method
        async def tick(self, most: int):
            try:
                for number in range(most):
                    yield number
            finally:
                self.closed.append("tick")

        @plugin_method
        def breaks(self):
            yield 1
            raise ValueError("in the middle")

        @plugin_method
        def unsendable(self):
            yield object()
"""


@pytest.fixture
def plain(tmp_path: Path) -> Running:
    running = Running(write_plugin(tmp_path / "echo", PLAIN))
    running.notes_until("ready")
    return running


@pytest.fixture
def mixed(tmp_path: Path) -> Running:
    running = Running(write_plugin(tmp_path / "echo", MIXED))
    assert running.notes_until("ready")[-1].body["streams"] == ["breaks", "count", "tick", "unsendable"]
    return running


def call(running: Running, request_id: int, method: str, *args: Any, **kwargs: Any) -> None:
    running.channel.send(Frame(Kind.CALL, request_id, method, {"args": list(args), "kwargs": kwargs}))


def cancel(running: Running, request_id: int) -> None:
    running.channel.send(Frame(Kind.CANCEL, request_id, "", None))


def answer(running: Running, request_id: int) -> Frame:
    while (frame := running.channel.receive()).id != request_id or frame.kind is Kind.ITEM:
        pass
    return frame


def forgotten(running: Running) -> bool:
    """Whether no cancellation is remembered, once all that was sent so far has been looked at."""
    running.ask(Kind.CONTROL, "health")
    return running.host.exchange.cancelled == set()


def test_a_plain_method_hears_that_its_caller_went_away(plain: Running) -> None:
    call(plain, 1, "until_cancelled")
    assert plain.channel.receive().body["message"] == "began"
    cancel(plain, 1)
    assert answer(plain, 1).body == "noticed"


def test_an_answer_does_not_wait_for_a_slow_call_that_arrived_with_its_own(plain: Running) -> None:
    frames = [Frame(Kind.CALL, number, "mark", {"args": [number], "kwargs": {}}) for number in (1, 2)]
    frames.append(Frame(Kind.CALL, 3, "until_cancelled", {"args": [], "kwargs": {}}))
    frames.append(Frame(Kind.CALL, 4, "mark", {"args": [4], "kwargs": {}}))
    plain.channel.send_wire(b"".join(map(encode, frames)))
    assert [answer(plain, 1).body, answer(plain, 2).body] == [[1], [1, 2]]  # while 3 runs
    cancel(plain, 3)
    assert [answer(plain, 3).body, answer(plain, 4).body] == ["noticed", [1, 2, 4]]


def test_many_calls_that_arrive_together_are_answered_in_order(plain: Running) -> None:
    frames = [Frame(Kind.CALL, number, "mark", {"args": [number], "kwargs": {}}) for number in range(1, 301)]
    plain.channel.send_wire(b"".join(map(encode, frames)))
    for number in range(1, 301):
        assert answer(plain, number).body[-1] == number


def test_a_cancelled_call_that_waits_behind_another_never_begins(plain: Running) -> None:
    call(plain, 1, "until_cancelled")
    assert plain.channel.receive().body["message"] == "began"
    call(plain, 2, "mark", "dropped")
    call(plain, 3, "mark", "kept")
    cancel(plain, 2)
    cancel(plain, 1)
    assert answer(plain, 1).body == "noticed"
    assert answer(plain, 2).body["code"] == "MOP5017"
    assert answer(plain, 3).body == ["kept"]
    assert forgotten(plain)


def test_a_cancelled_request_that_is_queued_is_dropped(plain: Running) -> None:
    plain.channel.send(Frame(Kind.QUEUE, 7, "mark", {"args": [1], "kwargs": {}}))
    cancel(plain, 7)
    assert answer(plain, 7).body["code"] == "MOP5017"
    assert plain.host.take_requests() == []


def test_cancelling_what_is_done_or_was_never_there_does_nothing(plain: Running) -> None:
    cancel(plain, 99)
    call(plain, 1, "mark", 1)
    cancel(plain, 1)
    assert answer(plain, 1).kind in {Kind.RESULT, Kind.ERROR}
    call(plain, 2, "blob", b"123")
    assert answer(plain, 2).body == 3
    assert forgotten(plain)


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "words"),
    [
        ("repeat", [1], {}, "argument 'text': Expected `str`, got `int`"),
        ("repeat", ["a", "2"], {}, "argument 'count': Expected `int`, got `str`"),
        ("repeat", ["a"], {"count": 1.5}, "argument 'count'"),
        ("repeat", ["a"], {"how": "sideways"}, "argument 'how': Invalid enum value 'sideways'"),
        ("repeat", [], {}, "missing a required argument: 'text'"),
        ("repeat", ["a", 1, 2], {}, "too many positional arguments"),
        ("repeat", ["a"], {"colour": 1}, "unexpected keyword argument 'colour'"),
        ("repeat", ["a"], {"text": "b"}, "multiple values for argument 'text'"),
        ("total", [1, "2"], {}, "argument 'numbers'"),
        ("total", [1], {"a": "x"}, "argument 'a'"),
        ("blob", [1], {}, "argument 'data': Expected `bytes`"),
    ],
)
def test_a_wrong_argument_is_named_before_the_method_runs(
    plain: Running, method: str, args: list[Any], kwargs: dict[str, Any], words: str
) -> None:
    call(plain, 1, method, *args, **kwargs)
    body = answer(plain, 1).body
    assert (body["type"], body["code"]) == ("TypeError", "MOP5015")
    assert words in body["message"]
    assert f"{method}(" in body["message"]


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "result"),
    [
        ("repeat", ["a", 2], {"how": "down"}, "aadown"),
        ("total", [1, 2.5], {"a": 2}, 5.5),
        ("blob", ["aGVsbG8="], {}, 5),
        ("odd", ["anything"], {}, "anything"),
    ],
)
def test_right_arguments_arrive_as_the_annotations_say(
    plain: Running, method: str, args: list[Any], kwargs: dict[str, Any], result: object
) -> None:
    call(plain, 1, method, *args, **kwargs)
    assert answer(plain, 1).body == result


def test_async_methods_run_at_the_same_time_and_beside_plain_ones(mixed: Running) -> None:
    call(mixed, 1, "first")
    call(mixed, 2, "plain")
    assert mixed.channel.receive().body == "plain"
    call(mixed, 3, "second")
    answers = [mixed.channel.receive() for _ in range(2)]
    assert {frame.id: frame.body for frame in answers} == {1: "first", 3: 2}


def test_an_async_method_runs_while_a_plain_one_is_busy(mixed: Running) -> None:
    call(mixed, 1, "plain")  # waits for what only the async one does
    call(mixed, 2, "first")
    assert answer(mixed, 1).body == "plain"


def test_the_task_of_a_cancelled_async_method_is_cancelled(mixed: Running) -> None:
    call(mixed, 1, "first")
    call(mixed, 2, "plain")
    answer(mixed, 2)
    cancel(mixed, 1)
    assert answer(mixed, 1).body["code"] == "MOP5017"
    assert mixed.ask(Kind.CALL, "trace").body == ["first"]


def test_a_wrong_argument_of_an_async_method_is_named_too(mixed: Running) -> None:
    call(mixed, 1, "second", "two")
    assert answer(mixed, 1).body["code"] == "MOP5015"


@pytest.mark.parametrize("method", ["count", "tick"])
def test_a_generator_streams_what_it_yields_and_then_ends(mixed: Running, method: str) -> None:
    call(mixed, 1, method, 3)
    frames = [mixed.channel.receive() for _ in range(4)]
    assert [(frame.kind, frame.body) for frame in frames] == [
        (Kind.ITEM, 0),
        (Kind.ITEM, 1),
        (Kind.ITEM, 2),
        (Kind.END, None),
    ]
    assert mixed.ask(Kind.CALL, "trace").body == [method]


@pytest.mark.parametrize("method", ["count", "tick"])
def test_a_generator_waits_until_its_caller_wants_more(mixed: Running, method: str) -> None:
    call(mixed, 1, method, STREAM_WINDOW + 5)
    assert [mixed.channel.receive().body for _ in range(STREAM_WINDOW)] == list(range(STREAM_WINDOW))
    assert mixed.ask(Kind.CONTROL, "health").body is None  # others are served meanwhile
    mixed.channel.send(Frame(Kind.CREDIT, 1, "", 3))
    assert [mixed.channel.receive().body for _ in range(3)] == [STREAM_WINDOW + number for number in range(3)]
    mixed.channel.send(Frame(Kind.CREDIT, 1, "", 100))
    assert answer(mixed, 1).kind is Kind.END


@pytest.mark.parametrize("method", ["count", "tick"])
def test_the_finally_block_of_a_cancelled_generator_runs(mixed: Running, method: str) -> None:
    call(mixed, 5, method, 10**9)
    mixed.channel.receive()
    cancel(mixed, 5)
    assert answer(mixed, 5).body["code"] == "MOP5017"
    assert mixed.ask(Kind.CALL, "trace").body == [method]
    assert forgotten(mixed)


def test_a_generator_that_raises_ends_with_the_error(mixed: Running) -> None:
    call(mixed, 1, "breaks")
    assert [mixed.channel.receive().body, mixed.channel.receive().body["message"]] == [1, "in the middle"]


def test_a_value_that_cannot_be_sent_ends_the_stream(mixed: Running) -> None:
    call(mixed, 1, "unsendable")
    assert answer(mixed, 1).body["type"] == "TypeError"


def test_what_still_runs_at_the_stop_is_ended_in_order(mixed: Running) -> None:
    call(mixed, 5, "count", 10**9)
    call(mixed, 6, "first")
    call(mixed, 7, "tick", 10**9)
    call(mixed, 8, "plain")
    answer(mixed, 8)
    mixed.channel.send(Frame(Kind.CONTROL, 9, "stop", None))
    assert mixed.join() == 0
    ends: dict[int, Any] = {}
    while len(ends) < 4:
        frame = mixed.channel.receive()
        if frame.kind is not Kind.ITEM:
            ends[frame.id] = frame.body["code"] if frame.kind is Kind.ERROR else frame.body
    assert ends == {5: "MOP5017", 6: "MOP5017", 7: "MOP5017", 9: None}
