"""Calls of the exported methods of running plugins; their results stay encoded for whoever asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from mobileops.errors import CallError, NotFoundError, PluginError
from mobileops.runtime.channel.rpc import CALL, Kind
from mobileops.runtime.channel.waiting import settle
from mobileops.runtime.instances.lifecycle import SERVING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from mobileops.errors import MobileOpsError
    from mobileops.runtime.channel.answers import Value
    from mobileops.runtime.channel.connection import Connection
    from mobileops.runtime.channel.waiting import OnAnswer
    from mobileops.runtime.instances.instance import Instance


class OneCall:
    """A call that was begun.

    Attributes:
        number: of its request.
        is_over: it was answered, or cancelled.
    """

    __slots__ = ("_begun_s", "_connection", "_instance", "_method", "_on_answer", "is_over", "number")

    def __init__(self, instance: Instance, connection: Connection, method: str, on_answer: OnAnswer) -> None:
        self._instance = instance
        self._connection = connection
        self._method = method
        self._on_answer = on_answer
        self._begun_s = time.perf_counter()
        self.is_over = False
        self.number = 0

    def cancel(self) -> None:
        """Stop waiting, and tell the plugin; nothing if it was answered."""
        if not self.is_over:
            self.is_over = True
            self._connection.cancel(self.number)
            self._instance.calls.end(asyncio.CancelledError())

    def answered(self, value: Value | None, error: MobileOpsError | None) -> None:
        """Pass on what came of it."""
        self.is_over = True
        self._instance.calls.end(error)
        self._instance.meter.count(time.perf_counter() - self._begun_s, error)
        if isinstance(error, CallError):
            _reported(self._instance, self._method, error)
        self._on_answer(value, error)


class Calls:
    """Calls methods of the plugins that run."""

    def __init__(self, running: Callable[[str], Instance]) -> None:
        """Call nothing yet.

        Args:
            running: returns a running plugin by its name; raises NotFoundError or PluginError.
        """
        self._running = running

    def begin(
        self, name: str, method: str, *, body: object, queued: bool = False, deadline_s: float, on_answer: OnAnswer
    ) -> OneCall:
        """Call a method that has one result.

        Args:
            name: of the plugin.
            method: of the plugin.
            body: ``{"args": [...], "kwargs": {...}}``, or a `mobileops.runtime.channel.rpc.Call`.
            queued: the plugin takes it with ``get_pending_requests()``.
            deadline_s: how long that may take.
            on_answer: called once, unless the call is cancelled; a value is valid only during the call.

        Raises:
            NotFoundError: not installed, or no such method.
            PluginError: it does not run, or the method streams its results.
            RefusedError: too many calls wait already.
        """
        instance, connection = self._callable(name, method, queued=queued)
        if method in instance.streams and not queued:
            raise PluginError(
                f"{method!r} of {name!r} streams its results",
                code="MOP5016",
                why="it is a generator, and this caller takes a single result",
                fix=f"mobileops call {name} {method} prints them one by one",
            )
        one = OneCall(instance, connection, method, on_answer)
        kind = Kind.QUEUE if queued else CALL
        instance.calls.begin()
        try:
            one.number = connection.ask(kind, method, body, deadline_s=deadline_s, on_answer=one.answered)
        except BaseException as error:
            instance.calls.end(error)
            raise
        return one

    async def call(
        self, name: str, method: str, *, body: dict[str, Any], queued: bool = False, deadline_s: float
    ) -> Value:
        """Call a method, and wait for its one result; the arguments are those of `begin`.

        Raises:
            MobileOpsError: as `begin`.
            CallError: the method raised, or did not answer in time.
        """
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        one = self.begin(
            name, method, body=body, queued=queued, deadline_s=deadline_s, on_answer=partial(settle, future)
        )
        try:
            return await future
        except asyncio.CancelledError:
            one.cancel()
            raise

    def streams(self, name: str, method: str) -> bool:
        """Whether a plugin's method streams its results.

        Raises:
            NotFoundError: the plugin is not installed.
            PluginError: it does not run.
        """
        return method in self._running(name).streams

    async def stream(
        self, name: str, method: str, *, body: dict[str, Any], deadline_s: float
    ) -> AsyncGenerator[Value, None]:
        """Call a method that streams its results and yield them; closing this early cancels the call.

        Args:
            name: of the plugin.
            method: a generator.
            body: ``{"args": [...], "kwargs": {...}}``.
            deadline_s: how long each value may take.

        Raises:
            MobileOpsError: as `call`.
        """
        instance, connection = self._callable(name, method, queued=False)
        values = connection.stream(method, body, deadline_s=deadline_s)
        try:
            with instance.calls.one(), instance.meter.call():
                async with contextlib.aclosing(values):
                    async for value in values:
                        yield value
        except CallError as error:
            _reported(instance, method, error)
            raise

    def _callable(self, name: str, method: str, *, queued: bool) -> tuple[Instance, Connection]:
        """Return a running plugin and its channel, if it has this method."""
        instance = self._running(name)
        if instance.connection is None or instance.state not in SERVING:
            raise PluginError(f"{name!r} is {instance.state}", code="MOP5105", fix="wait until it runs")
        if method not in instance.methods and not queued:
            raise NotFoundError(
                f"{name!r} has no plugin method {method!r}",
                code="MOP5013",
                why=f"it exports {', '.join(instance.methods) or 'none'}",
                fix="mark the method with @plugin_method, or call one of those",
            )
        return instance, instance.connection


def _reported(instance: Instance, method: str, error: CallError) -> None:
    """Note in the audit log that the plugin itself was refused something by the kernel."""
    if error.remote_type == PermissionError.__name__:
        instance.decisions.reported(method, error.what)
