"""Messages from one plugin to another: handed over at once, answered or not, the sender's name stamped here."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, NotFoundError, PluginError, PluginGone
from mobileops.runtime.channel.connection import delivery
from mobileops.runtime.routing.requests import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.instances.instance import Instance

MAX_OPEN_MESSAGES: Final = 1000
"""Of one sender, still without a response that was taken; the oldest is forgotten for a new one."""

MAX_BACKLOG_BYTES: Final = 16 << 20
"""What a plugin may leave unread before it gets no more messages."""

MAX_WAIT_S: Final = 3600.0


@dataclasses.dataclass(slots=True)
class Message:
    """A message that may still be answered.

    Attributes:
        sender: who sent it.
        target: who got it.
        response: what comes back.
    """

    sender: Instance
    target: Instance
    response: asyncio.Future[Any]


class Messages:
    """The open messages of all running plugins."""

    def __init__(self, running: Callable[[str], Instance]) -> None:
        """Start without any.

        Args:
            running: returns a running plugin by its name; raises NotFoundError or PluginError.
        """
        self._running = running
        self._open: dict[int, Message] = {}
        self._last_id = 0

    def operations(self) -> dict[str, Operation]:
        """Return what plugins may ask for."""
        return {
            "message.send": Operation(self._send),
            "message.respond": Operation(self._respond),
            "message.result": Operation(self._result),
        }

    def forget(self, instance: Instance) -> None:
        """Drop what a plugin that has ended sent, and tell those who wait for its responses."""
        for number, message in tuple(self._open.items()):
            if message.sender is instance:
                del self._open[number]
                message.response.cancel()
            elif message.target is instance and not message.response.done():
                gone = PluginGone(f"{instance.name!r} ended before it responded", code="MOP5303")
                message.response.set_exception(gone)
                message.response.exception()  # retrieved: nobody may ever ask for it

    async def _send(self, sender: Instance, body: Mapping[str, Any]) -> int:
        target = self._running(str(body["to"]))
        if target.connection is None or target.connection.unsent_bytes > MAX_BACKLOG_BYTES:
            raise PluginError(f"{target.name!r} takes no more messages now", code="MOP5304", fix="try again later")
        self._make_room(sender)
        self._last_id += 1
        number = self._last_id
        target.connection.deliver(delivery("message", {"id": number, "sender": sender.name, "body": body.get("body")}))
        self._open[number] = Message(sender, target, asyncio.get_running_loop().create_future())
        return number

    async def _respond(self, responder: Instance, body: Mapping[str, Any]) -> None:
        message = self._open.get(body["id"])
        if message is None or message.target is not responder:
            raise NotFoundError(
                "no message waits for this response",
                code="MOP5305",
                why="its sender has ended, or has sent many others since",
            )
        if message.response.done():
            raise PluginError("this message was answered already", code="MOP5306")
        message.response.set_result(body.get("body"))

    async def _result(self, sender: Instance, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  msgpack values
        message = self._open.get(body["id"])
        if message is None or message.sender is not sender:
            raise NotFoundError(
                "no response can come for this message",
                code="MOP5307",
                why=f"its result was taken already, or {MAX_OPEN_MESSAGES} others were sent since",
            )
        wait_s = min(float(body["timeout_s"]), MAX_WAIT_S)
        try:
            response = await asyncio.wait_for(asyncio.shield(message.response), wait_s)
        except TimeoutError:
            raise CallError(
                f"{message.target.name!r} did not respond within {wait_s:g} s",
                code="MOP5308",
                remote_type="TimeoutError",
                fix="wait longer: result(timeout=…)",
            ) from None
        self._open.pop(body["id"], None)
        return response

    def _make_room(self, sender: Instance) -> None:
        """Forget the oldest message of a sender with too many open ones."""
        own = [number for number, message in self._open.items() if message.sender is sender]
        if len(own) >= MAX_OPEN_MESSAGES:
            self._open.pop(own[0]).response.cancel()
