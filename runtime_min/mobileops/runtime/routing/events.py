"""Events: a topic, a mapping, and whoever subscribed; nobody waits for anybody.

A subscriber that does not keep up loses events, which its log says; it never slows down the publisher or the others.
What is costly to watch is watched only while somebody may hear of it: see `Source`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import PluginGone
from mobileops.manifest.topics import covers
from mobileops.runtime.channel.connection import delivery
from mobileops.runtime.logs import timestamp
from mobileops.runtime.routing.onlookers import Onlooker
from mobileops.runtime.routing.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from mobileops.runtime.channel.connection import Delivery
    from mobileops.runtime.instances.instance import Instance

MAX_SUBSCRIPTIONS: Final = 1000
"""Of one plugin."""

MAX_BACKLOG_BYTES: Final = 4 << 20
"""What a subscriber may leave unread before it loses events."""

PLATFORM: Final = "platform"
OPERATOR: Final = "operator"


class Source(NamedTuple):
    """Something that emits events only while there is somebody who may hear them.

    Attributes:
        topics: what it emits.
        begin: called with the first subscription to one of them; returns what of it cannot be heard here, or None.
        end: called when the last one is gone.
    """

    topics: tuple[str, ...]
    begin: Callable[[], str | None]
    end: Callable[[], None]

    def is_heard_by(self, pattern: str) -> bool:
        """Whether a pattern stands for one of its topics."""
        return any(covers(pattern, topic) for topic in self.topics)


class Events:
    """The subscriptions of all running plugins, and the operators who look on."""

    def __init__(self) -> None:
        """Start without any."""
        self._patterns: dict[Instance, set[str]] = {}
        self._lost: dict[Instance, int] = {}
        self._onlookers: list[Onlooker] = []
        self._sources: dict[Source, bool] = {}

    def operations(self) -> dict[str, Operation]:
        """Return what plugins may ask for."""
        return {
            "event.subscribe": Operation(self._subscribe),
            "event.unsubscribe": Operation(self._unsubscribe),
            "event.publish": Operation(self._publish),
        }

    def add_source(self, source: Source) -> None:
        """Have something emit events from the moment that somebody may hear them."""
        self._sources[source] = False

    def close(self) -> None:
        """End all sources for good, and what the onlookers see."""
        for onlooker in self._onlookers:
            onlooker.close()
        for source, begun in self._sources.items():
            if begun:
                source.end()
        self._sources.clear()

    def emit(self, topic: str, event: Mapping[str, Any], *, by: str = PLATFORM) -> int:
        """Hand an event to everybody who has subscribed to its topic, and return how many plugins that are.

        Args:
            topic: no pattern.
            event: msgpack values.
            by: ``plugin:NAME``, `PLATFORM` or `OPERATOR`.
        """
        delivered = delivery("event", {"topic": topic, "event": dict(event)})
        for onlooker in self._onlookers:
            onlooker.see(
                {"time": timestamp(time.time()), "topic": topic, "from": by, "event": event}, len(delivered.wire)
            )
        wanting = [
            instance
            for instance, patterns in self._patterns.items()
            if instance.routed and any(covers(pattern, topic) for pattern in patterns)
        ]
        return sum(self._hand_over(instance, delivered) for instance in wanting)

    @contextmanager
    def onlooker(self, pattern: str) -> Iterator[Onlooker]:
        """Give somebody who sees the events of a pattern for the length of the block."""
        one = Onlooker(pattern)
        self._onlookers.append(one)
        try:
            self._begin(pattern)
            yield one
        finally:
            self._onlookers.remove(one)
            self._end({pattern})

    def forget(self, instance: Instance) -> None:
        """Drop the subscriptions of a plugin that has ended."""
        self._lost.pop(instance, None)
        self._end(self._patterns.pop(instance, set()))

    def _begin(self, pattern: str) -> str | None:
        """Begin the sources that somebody may hear by a new pattern; return what one of them lacks."""
        lacks = None
        for source, begun in self._sources.items():
            if not begun and source.is_heard_by(pattern):
                self._sources[source] = True
                lacks = source.begin() or lacks
        return lacks

    def _end(self, dropped: Collection[str]) -> None:
        """End the sources that were heard by patterns which are gone, and are heard by nobody any more."""
        for source, begun in self._sources.items():
            if begun and any(map(source.is_heard_by, dropped)) and not any(map(source.is_heard_by, self._heard())):
                self._sources[source] = False
                source.end()

    def _heard(self) -> Iterator[str]:
        """Yield every pattern that somebody listens to."""
        yield from (onlooker.pattern for onlooker in self._onlookers)
        yield from chain.from_iterable(self._patterns.values())

    def _hand_over(self, instance: Instance, delivered: Delivery) -> bool:
        """Deliver to one subscriber; say at powers of two how much it has lost."""
        if instance.connection is None:
            return False
        if instance.connection.unsent_bytes > MAX_BACKLOG_BYTES:
            lost = self._lost[instance] = self._lost.get(instance, 0) + 1
            if lost & (lost - 1) == 0:
                instance.write("WARNING", f"events come faster than it takes them: {lost} lost since it started")
            return False
        try:
            instance.connection.deliver(delivered)
        except PluginGone:  # it ends: its channel is closed, and its exit is not reported yet
            return False
        return True

    async def _subscribe(self, instance: Instance, body: Mapping[str, Any]) -> None:
        patterns = self._patterns.setdefault(instance, set())
        if len(patterns) >= MAX_SUBSCRIPTIONS:
            message = f"more than {MAX_SUBSCRIPTIONS} subscriptions"
            raise ValueError(message)
        patterns.add(body["topic"])
        lacks = self._begin(body["topic"])
        if lacks is not None:
            instance.write("WARNING", lacks)

    async def _unsubscribe(self, instance: Instance, body: Mapping[str, Any]) -> None:
        self._patterns.get(instance, set()).discard(body["topic"])
        self._end({body["topic"]})

    async def _publish(self, instance: Instance, body: Mapping[str, Any]) -> int:
        return self.emit(body["topic"], body["event"], by=f"plugin:{instance.name}")
