"""Which permission each request to the platform needs: one table for the plugin manager and for authors' unit tests.

The plugin manager holds a request against the permissions of the channel that it came from; `testing.LocalHost` holds
it against those of plugin.json, so that a missing permission is found before anything is packaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import PermissionDenied
from mobileops.manifest import Permission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Need = Callable[[Mapping[str, Any]], tuple[Permission, str]]


def needed(operation: str, body: Mapping[str, Any]) -> tuple[Permission, str] | None:
    """Return the narrowest permission for a request, and what it is about; None when everybody may make it.

    Raises:
        KeyError: the body lacks what the request is about.
        ValueError: what it is about is not well formed.
    """
    need = NEEDS.get(operation)
    return None if need is None else need(body)


def _message(body: Mapping[str, Any]) -> tuple[Permission, str]:
    return Permission.parse(f"plugin.communicate:{body['to']}"), str(body["to"])


def _subscription(body: Mapping[str, Any]) -> tuple[Permission, str]:
    return Permission.parse(f"events.subscribe:{body['topic']}"), body["topic"]


def _publication(body: Mapping[str, Any]) -> tuple[Permission, str]:
    topic = body["topic"]
    if "*" in topic:
        message = f"{topic!r} is a pattern, an event has one topic"
        raise ValueError(message)
    return Permission.parse(f"events.publish:{topic}"), topic


def _part(name: str, *keys: str) -> Need:
    """Return the need of a part of the platform API; the first of the keys that is there says what it is about."""

    def need(body: Mapping[str, Any]) -> tuple[Permission, str]:
        about = next((str(body[key]) for key in keys if body.get(key) is not None), name)
        return Permission.parse(f"api.platform.{name}"), about

    return need


NEEDS: Final[Mapping[str, Need]] = {
    "message.send": _message,
    "event.subscribe": _subscription,
    "event.publish": _publication,
    "assets.get": _part("assets", "name"),
    "ai.load": _part("ai", "model", "file"),
    "ai.inference": _part("ai", "model", "file"),
    "network.status": _part("network"),
    "devices.list": _part("devices"),
}


def denied(name: str, permission: Permission, granted: Iterable[Permission]) -> PermissionDenied:
    """Return the refusal of a request.

    Args:
        name: the plugin that asked.
        permission: what it needed.
        granted: what it has.
    """
    return PermissionDenied(
        f"{name!r} may not do this without the permission {str(permission)!r}",
        code="MOP4311",
        where=name,
        why=f"its manifest declares {', '.join(map(str, granted)) or 'no permission'}",
        fix=f"declare {str(permission)!r} in plugin.json",
    )
