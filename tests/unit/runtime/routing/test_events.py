"""`mobileops.runtime.routing.events` by itself: sources that are watched while somebody listens, and onlookers."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import PluginGone
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.connection import Connection
from mobileops.runtime.routing import onlookers
from mobileops.runtime.routing.events import Events, Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SUBSCRIBERS = 100


class Subscriber:
    """As much of an `Instance` as events need."""

    def __init__(self, *, closed: bool = False) -> None:
        self.name = "subscriber"
        self.routed = True
        self.got: list[bytes] = []
        self.written: list[str] = []
        self.connection: Any = SimpleNamespace(unsent_bytes=0, deliver=_gone if closed else self.got.append)

    def write(self, _level: str, message: str) -> None:
        self.written.append(message)


def _gone(_wire: bytes) -> None:
    raise PluginGone("the plugin is not connected", code="MOP5004")


@pytest.fixture
def steps() -> list[str]:
    return []


@pytest.fixture
def events(steps: list[str]) -> Events:
    one = Events()

    def begin() -> str:
        steps.append("begin")
        return "the kernel is silent"

    one.add_source(Source(("device.connected", "device.gone"), begin, lambda: steps.append("end")))
    return one


def ask(events: Events, operation: str, instance: Any, topic: str) -> None:
    run: Callable[..., Awaitable[Any]] = events.operations()[operation].run

    async def main() -> None:
        await run(instance, {"topic": topic})

    asyncio.run(main())


@pytest.mark.parametrize("pattern", ["device.connected", "device.*", "*"])
def test_a_source_is_begun_by_the_first_who_may_hear_it_and_ended_by_the_last(
    events: Events, steps: list[str], pattern: str
) -> None:
    first, second = Subscriber(), Subscriber()
    ask(events, "event.subscribe", first, pattern)
    ask(events, "event.subscribe", second, "device.gone")
    assert (steps, first.written, second.written) == (["begin"], ["the kernel is silent"], [])
    ask(events, "event.unsubscribe", first, pattern)
    assert steps == ["begin"]
    events.forget(second)  # type: ignore[arg-type]
    assert steps == ["begin", "end"]


def test_what_nobody_hears_is_not_begun(events: Events, steps: list[str]) -> None:
    ask(events, "event.subscribe", Subscriber(), "devices.*")
    ask(events, "event.unsubscribe", Subscriber(), "device.connected")
    assert steps == []


def test_an_onlooker_begins_a_source_too(events: Events, steps: list[str]) -> None:
    with events.onlooker("*"):
        assert steps == ["begin"]
    assert steps == ["begin", "end"]


def test_the_end_ends_what_was_begun_once(events: Events, steps: list[str]) -> None:
    subscriber = Subscriber()
    ask(events, "event.subscribe", subscriber, "*")
    events.close()
    events.forget(subscriber)  # type: ignore[arg-type]
    assert steps == ["begin", "end"]
    ask(events, "event.subscribe", subscriber, "*")
    assert steps == ["begin", "end"]


def test_a_source_that_nobody_heard_is_not_ended(events: Events, steps: list[str]) -> None:
    events.close()
    assert steps == []


def test_a_subscriber_whose_channel_has_just_closed_is_no_trouble_for_the_publisher(events: Events) -> None:
    for subscriber in (Subscriber(closed=True), Subscriber()):
        ask(events, "event.subscribe", subscriber, "a")
    assert events.emit("a", {}) == 1


def test_an_onlooker_sees_its_topics_with_who_sent_them_until_the_end(events: Events) -> None:
    async def scenario() -> list[Any]:
        with events.onlooker("job.*") as onlooker:
            events.emit("job.done", {"id": 1}, by="plugin:echo")
            events.emit("other", {})
            events.emit("job.late", {})
            events.close()
            return [(one["topic"], one["from"], one["event"], one["lost"]) async for one in onlooker.events()]

    assert asyncio.run(scenario()) == [("job.done", "plugin:echo", {"id": 1}, 0), ("job.late", "platform", {}, 0)]


def test_an_onlooker_that_does_not_read_loses_events_and_is_told_how_many(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onlookers, "MAX_WAITING_BYTES", 1000)

    async def scenario() -> list[Any]:
        with events.onlooker("*") as onlooker:
            seen = onlooker.events()
            for number in range(4):
                events.emit("a", {"number": number, "text": "x" * 400})
            found = [await anext(seen), await anext(seen)]
            events.emit("a", {"number": 4})
            return [(one["event"]["number"], one["lost"]) for one in [*found, await anext(seen)]]

    assert asyncio.run(scenario()) == [(0, 0), (1, 0), (4, 2)]


def test_an_event_comes_to_an_onlooker_that_waits(events: Events) -> None:
    async def scenario() -> Any:
        with events.onlooker("*") as onlooker:
            waiting = asyncio.ensure_future(anext(onlooker.events()))
            await asyncio.sleep(0)
            events.emit("a", {})
            return (await waiting)["topic"]

    assert asyncio.run(scenario()) == "a"


def test_an_event_reaches_a_hundred_subscribers_over_their_channels_and_a_slow_one_stalls_none(events: Events) -> None:
    """The routing and the real connections over socket pairs; the processes at the other end are this test."""

    async def scenario() -> None:
        ends = [socket.socketpair() for _ in range(SUBSCRIBERS)]
        subscribers = [Subscriber() for _ in ends]
        for subscriber, (ours, _theirs) in zip(subscribers, ends, strict=True):
            subscriber.connection = Connection(ours, on_note=ignore, on_ask=refuse, on_closed=ignore)
            await events.operations()["event.subscribe"].run(subscriber, {"topic": "job.*"})  # type: ignore[arg-type]
        text = "x" * 1_000_000
        for number in range(8):  # the first subscriber reads nothing
            expected = SUBSCRIBERS if number < 5 else SUBSCRIBERS - 1
            assert events.emit("job.done", {"number": number, "text": text if number < 6 else ""}) == expected
            for _ours, theirs in ends[1:]:
                theirs.settimeout(20)
                found = await asyncio.to_thread(BlockingChannel(theirs).receive)
                assert found.body["event"]["number"] == number
        assert "1 lost since it started" in subscribers[0].written[0]
        assert not any(subscriber.written for subscriber in subscribers[1:])
        for subscriber, (_ours, theirs) in zip(subscribers, ends, strict=True):
            subscriber.connection.close()
            theirs.close()

    asyncio.run(scenario())


def ignore(_what: object) -> None:
    """Nothing comes from these subscribers."""


async def refuse(_frame: object) -> None:
    """They ask for nothing."""
