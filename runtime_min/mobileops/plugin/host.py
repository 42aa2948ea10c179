"""The seam between a plugin and whatever runs it.

Inside the sandbox the host is the worker that owns the channel to the plugin manager; in an author's unit test it is
`mobileops.plugin.testing.LocalHost`;
for ``python main.py`` it is the same LocalHost. The base classes know only this Protocol.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A call that waits in the plugin's own queue until the plugin takes it with `get_pending_requests()`.

    Attributes:
        id: what `send_response` and `send_error_response` refer to; unique per process.
        method: the name the caller asked for.
        args: positional arguments.
        kwargs: named arguments.
    """

    id: int
    method: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Host(Protocol):
    """What a plugin needs from its surroundings."""

    @property
    def name(self) -> str:
        """The plugin's name in its manifest: the only identity the platform uses."""

    @property
    def version(self) -> str:
        """The version in the manifest."""

    def configuration(self) -> dict[str, Any]:
        """Return a fresh copy of the effective configuration."""

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Record one structured log line."""

    def uptime_s(self) -> float:
        """Return the seconds since the plugin became ready, 0.0 before."""

    def take_requests(self) -> list[Request]:
        """Return and forget the requests that wait in the queue, oldest first."""

    def call(self, method: Callable[..., Any], request: Request) -> Any:  # noqa: ANN401  whatever the method returns
        """Run the method that a request is about."""

    def settle(self, result: Any) -> Any:  # noqa: ANN401  whatever an author's method returned
        """Run what an ``async def`` method of the plugin's life returned to its end; anything else is as it is."""

    def respond(self, request_id: int, result: object) -> None:
        """Answer a queued request with a value."""

    def respond_error(self, request_id: int, message: str) -> None:
        """Answer a queued request with an error."""

    def ask(self, operation: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  msgpack values
        """Use the platform, as the manifest's permissions allow: messages, events, the platform API.

        Raises:
            PermissionDenied: the manifest does not declare what this needs.
            MobileOpsError: the platform could not do it.
        """

    def join_activity(self) -> None:
        """Wait until the main activity, which has been told to end, has returned.

        Raises:
            PluginError: it did not within the stop timeout.
        """

    def cancelled(self) -> bool:
        """Whether nobody waits any more for the call that this thread runs."""

    def is_managed(self) -> bool:
        """Whether a plugin manager drives the lifecycle (False under ``python main.py``)."""


_current: Host | None = None


def attach(host: Host | None) -> None:
    """Set the host that plugins made from now on belong to; one process runs one plugin."""
    global _current  # noqa: PLW0603  one plugin per process is the process model, and an author's __init__ takes no arguments
    _current = host


def current() -> Host | None:
    """Return the attached host."""
    return _current
