"""The base of all plugin classes: identity, configuration, logging, queued requests, messages, events."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mobileops.manifest.topics import covers
from mobileops.plugin import host as hosts
from mobileops.plugin.messages import Reply, Sender
from mobileops.plugin.methods import exported

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mobileops.plugin.host import Host, Request
    from mobileops.plugin.platform import PlatformApi

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Plugin:
    """A plugin: one instance in one sandboxed process.

    `ready_when_begun` says when it is ready for calls: while `begin` runs, or not before that has returned.

    Attributes:
        name: the manifest's name. A different ``name=`` passed to ``__init__`` does not change it (it is logged).
        config: the effective configuration as it was at start, or at the last `reload_config()`.
        logger: a standard `logging.Logger` whose records become structured log lines.
    """

    ready_when_begun: ClassVar[bool] = False

    def __init__(self, name: str | None = None) -> None:
        """Connect to the host that runs this process.

        Args:
            name: optional; documents the identity in the code. The manifest decides.

        Raises:
            RuntimeError: no host is attached: the class was instantiated outside the plugin manager, a test, or
            ``run()``.
        """
        host = hosts.current()
        if host is None:
            host = _standalone_host(type(self))
        self._host: Host = host
        self.name = host.name
        self.config: dict[str, Any] = host.configuration()
        self._subscriptions: dict[str, list[Callable[[Any], object]]] = {}
        self.logger = logging.getLogger(f"mobileops.plugin.{self.name}")
        if name is not None and name != self.name:
            self.log("WARNING", f"the code calls this plugin {name!r}, its manifest {self.name!r}; the manifest counts")

    @property
    def version(self) -> str:
        """The version in the manifest."""
        return self._host.version

    def load_config(self) -> dict[str, Any]:
        """Return a fresh copy of the effective configuration.

        Defaults under manifest values under operator settings.
        """
        return self._host.configuration()

    def reload_config(self) -> dict[str, Any]:
        """Read the configuration again into `config` and return it."""
        self.config = self._host.configuration()
        return self.config

    def log(self, level: str, message: str, **fields: Any) -> None:  # noqa: ANN401  a field may be any msgpack value
        """Write one structured log line.

        Args:
            level: one of `LEVELS`, in any case.
            message: the text.
            **fields: further values, searchable by name.

        Raises:
            ValueError: the level is unknown.
        """
        upper = level.upper()
        if upper not in LEVELS:
            message = f"unknown log level {level!r}, expected one of {', '.join(LEVELS)}"
            raise ValueError(message)
        self._host.log(upper, str(message), fields)

    def get_uptime(self) -> float:
        """Return the seconds since this plugin became ready."""
        return self._host.uptime_s()

    def get_pending_requests(self) -> list[Request]:
        """Return and forget the queued requests, oldest first.

        Each wants one `send_response` or `send_error_response`.
        """
        return self._host.take_requests()

    def handle_request(self, request: Request) -> Any:  # noqa: ANN401  whatever the method returns
        """Run the exported method that a queued request names, and return its result.

        An ``async def`` method is run to its end; the values of a generator are returned as a list. Where an event
        loop runs, so in an ``async def`` method, the result of an ``async def`` method is to be awaited.

        Raises:
            LookupError: the plugin does not export that method.
            CallError: the arguments are not what its annotations say.
        """
        if request.method not in exported(type(self)):
            message = f"{self.name!r} has no plugin method {request.method!r}"
            raise LookupError(message)
        return self._host.call(getattr(self, request.method), request)

    def send_response(self, request_id: int | str, result: object) -> None:
        """Answer a queued request, or a message.

        Args:
            request_id: the request's ``id``, or the ``sender`` that `handle_message` got.
            result: the answer, a msgpack value.

        Raises:
            TypeError: it is neither.
        """
        if isinstance(request_id, Sender):
            self._host.ask("message.respond", {"id": request_id.message_id, "body": result})
        elif isinstance(request_id, int):
            self._host.respond(request_id, result)
        else:
            message = f"{request_id!r} is no request: pass on the `sender` that handle_message() got"
            raise TypeError(message)

    def send_error_response(self, request_id: int, message: str) -> None:
        """Answer a queued request with an error."""
        self._host.respond_error(request_id, message)

    def send_message(self, target: str, message: object) -> Reply:
        """Send a message to another running plugin; needs ``plugin.communicate``.

        Args:
            target: its name.
            message: a msgpack value.

        Returns:
            The reply to come, for whoever wants to wait for it.

        Raises:
            PermissionDenied: the manifest does not declare it.
            PluginError: the target does not run, or takes no more messages now.
        """
        return Reply(self._host, self._host.ask("message.send", {"to": target, "body": message}))

    def handle_message(self, sender: str, message: Any) -> Awaitable[None] | None:  # noqa: ANN401, ARG002  what the other plugin sent, for the override
        """Receive a message from another plugin; answer it with ``send_response(sender, result)``.

        Args:
            sender: the other plugin's name, stamped by the platform.
            message: what it sent.
        """
        self.log("WARNING", f"a message from {sender!r} is ignored: {type(self).__name__} has no handle_message()")
        return None

    def subscribe(self, topic: str, handler: Callable[[Any], object]) -> None:
        """Have a method called for every event on a topic; needs ``events.subscribe``.

        Args:
            topic: a topic such as ``device.connected``, or a pattern such as ``device.*``.
            handler: called with the event, one event after the other.

        Raises:
            PermissionDenied: the manifest does not declare it.
        """
        self._host.ask("event.subscribe", {"topic": topic})
        self._subscriptions.setdefault(topic, []).append(handler)

    def unsubscribe(self, topic: str) -> None:
        """Undo every `subscribe` to exactly this topic or pattern."""
        if self._subscriptions.pop(topic, None) is not None:
            self._host.ask("event.unsubscribe", {"topic": topic})

    def publish(self, topic: str, event: Mapping[str, Any]) -> int:
        """Send an event to whoever has subscribed to its topic; needs ``events.publish``.

        Returns:
            How many plugins it was handed to.

        Raises:
            PermissionDenied: the manifest does not declare it.
        """
        return int(self._host.ask("event.publish", {"topic": topic, "event": dict(event)}))

    def deliver_event(self, topic: str, event: Any) -> None:  # noqa: ANN401  whatever was published
        """Call the handlers of one event; one that fails is logged, and the next is called."""
        for pattern, handlers in tuple(self._subscriptions.items()):
            if covers(pattern, topic):
                for handler in tuple(handlers):
                    try:
                        self._host.settle(handler(event))
                    except Exception as error:  # noqa: BLE001  a broken handler is its author's matter
                        self.log("ERROR", f"the handler of {topic} failed: {type(error).__name__}: {error}")

    def get_platform_api(self) -> PlatformApi:
        """Return the platform's services: ``ai``, ``assets``, ``network``, ``devices``.

        Each needs ``api.platform.NAME``, or ``api.platform`` for all of them, at each call.
        """
        from mobileops.plugin.platform import PlatformApi  # noqa: PLC0415  a plugin that does without need not wait

        return PlatformApi(self._host)

    def cancelled(self) -> bool:
        """Whether the caller of the plain method that runs now has gone away or has waited too long.

        A long computation asks from time to time, and returns or raises when it is so: nobody gets its result. In an
        ``async def`` method the task is cancelled instead (`asyncio.CancelledError`), and a generator is closed at its
        ``yield``.
        """
        return self._host.cancelled()

    def initialize(self) -> Awaitable[bool | None] | bool | None:
        """Prepare resources. Returning False, or raising, stops the start; None counts as success."""
        return None

    def health_check(self) -> Awaitable[bool | Mapping[str, Any] | None] | bool | Mapping[str, Any] | None:
        """Report health: False means unhealthy; a mapping is shown by ``status --detailed``."""
        return None

    def begin(self) -> Awaitable[None] | None:
        """Run the plugin's main activity; called in the main thread after `initialize()`."""

    def end(self) -> Awaitable[None] | None:
        """End the main activity and free resources; called in another thread while `begin()` may still run."""

    def stop_gracefully(self) -> None:
        """End the main activity, and wait until it has returned; for `reload`.

        Raises:
            PluginError: it did not return within ``resources.stop_timeout``.
        """
        self._host.settle(self.end())
        self._host.join_activity()

    def reload(self) -> Awaitable[None] | None:
        """Take over a changed configuration without a new process: ``mobileops reload NAME --in-place``.

        It runs between two calls, so no method sees a plugin that is half made. What begins the main activity, such
        as ``start()``, takes effect in the main thread after this has returned.

        Raises:
            RuntimeError: `initialize` returned False.
        """
        self.stop_gracefully()
        self.reload_config()
        if self._host.settle(self.initialize()) is False:
            message = f"{self.name}: initialize() returned False"
            raise RuntimeError(message)
        self._host.settle(self.begin())
        return None

    def run(self) -> None:
        """Run this plugin in the foreground of a terminal, for ``python main.py`` and without the sandbox.

        Under the plugin manager this does nothing: there the manager drives the lifecycle.
        """
        if not self._host.is_managed():
            from mobileops.plugin.standalone import run_in_foreground  # noqa: PLC0415  only a terminal needs it

            run_in_foreground(self)


def _standalone_host(cls: type[Plugin]) -> Host:
    """Make a host for a class that somebody instantiates directly, as the last lines of the mission's examples do."""
    from mobileops.plugin.standalone import host_for  # noqa: PLC0415  only a terminal needs it

    return host_for(cls)
