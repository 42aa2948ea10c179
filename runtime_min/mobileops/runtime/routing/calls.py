"""Calls of the exported methods of running plugins; their results stay encoded for whoever asked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from mobileops.errors import CallError, NotFoundError, PluginError
from mobileops.runtime.channel.rpc import Kind
from mobileops.runtime.instances.lifecycle import SERVING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import msgspec

    from mobileops.runtime.channel.connection import Connection
    from mobileops.runtime.instances.instance import Instance


class Calls:
    """Calls methods of the plugins that run."""

    def __init__(self, running: Callable[[str], Instance]) -> None:
        """Call nothing yet.

        Args:
            running: returns a running plugin by its name; raises NotFoundError or PluginError.
        """
        self._running = running

    async def call(
        self, name: str, method: str, *, body: dict[str, Any], queued: bool = False, deadline_s: float
    ) -> msgspec.Raw:
        """Call a method, and wait for its one result.

        Args:
            name: of the plugin.
            method: of the plugin.
            body: ``{"args": [...], "kwargs": {...}}``.
            queued: the plugin takes it with ``get_pending_requests()``.
            deadline_s: how long that may take.

        Raises:
            NotFoundError: not installed, or no such method.
            PluginError: it does not run, or the method streams its results.
            CallError: the method raised, or did not answer in time.
        """
        instance, connection = self._callable(name, method, queued=queued)
        if method in instance.streams and not queued:
            raise PluginError(
                f"{method!r} of {name!r} streams its results",
                code="MOP5016",
                why="it is a generator, and this caller takes a single result",
                fix=f"mobileops call {name} {method} prints them one by one",
            )
        try:
            with instance.calls.one():
                return await connection.call(Kind.QUEUE if queued else Kind.CALL, method, body, deadline_s=deadline_s)
        except CallError as error:
            _reported(instance, method, error)
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
    ) -> AsyncGenerator[msgspec.Raw, None]:
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
            with instance.calls.one():
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
