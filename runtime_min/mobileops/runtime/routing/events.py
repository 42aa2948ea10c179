"""Events: a topic, a mapping, and whoever subscribed; nobody waits for anybody.

A subscriber that does not keep up loses events, which its log says; it never slows down the publisher or the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.manifest.topics import covers
from mobileops.runtime.channel.connection import delivery
from mobileops.runtime.routing.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.instances.instance import Instance

MAX_SUBSCRIPTIONS: Final = 1000
"""Of one plugin."""

MAX_BACKLOG_BYTES: Final = 4 << 20
"""What a subscriber may leave unread before it loses events."""


class Events:
    """The subscriptions of all running plugins."""

    def __init__(self) -> None:
        """Start without any."""
        self._patterns: dict[Instance, set[str]] = {}
        self._lost: dict[Instance, int] = {}

    def operations(self) -> dict[str, Operation]:
        """Return what plugins may ask for."""
        return {
            "event.subscribe": Operation(self._subscribe),
            "event.unsubscribe": Operation(self._unsubscribe),
            "event.publish": Operation(self._publish),
        }

    def emit(self, topic: str, event: Mapping[str, Any]) -> int:
        """Hand an event to everybody who has subscribed to its topic, and return how many that are.

        Args:
            topic: no pattern.
            event: msgpack values.
        """
        wire = delivery("event", {"topic": topic, "event": dict(event)})
        wanting = [
            instance
            for instance, patterns in self._patterns.items()
            if instance.routed and any(covers(pattern, topic) for pattern in patterns)
        ]
        return sum(self._hand_over(instance, wire) for instance in wanting)

    def forget(self, instance: Instance) -> None:
        """Drop the subscriptions of a plugin that has ended."""
        self._patterns.pop(instance, None)
        self._lost.pop(instance, None)

    def _hand_over(self, instance: Instance, wire: bytes) -> bool:
        """Deliver to one subscriber; say at powers of two how much it has lost."""
        if instance.connection is None:
            return False
        if instance.connection.unsent_bytes > MAX_BACKLOG_BYTES:
            lost = self._lost[instance] = self._lost.get(instance, 0) + 1
            if lost & (lost - 1) == 0:
                instance.write("WARNING", f"events come faster than it takes them: {lost} lost since it started")
            return False
        instance.connection.deliver(wire)
        return True

    async def _subscribe(self, instance: Instance, body: Mapping[str, Any]) -> None:
        patterns = self._patterns.setdefault(instance, set())
        if len(patterns) >= MAX_SUBSCRIPTIONS:
            message = f"more than {MAX_SUBSCRIPTIONS} subscriptions"
            raise ValueError(message)
        patterns.add(body["topic"])

    async def _unsubscribe(self, instance: Instance, body: Mapping[str, Any]) -> None:
        self._patterns.get(instance, set()).discard(body["topic"])

    async def _publish(self, _instance: Instance, body: Mapping[str, Any]) -> int:
        return self.emit(body["topic"], body["event"])
