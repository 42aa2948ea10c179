"""What a plugin may ask of the plugin manager; `mobileops.plugin.needs` says which permission each request needs.

They are held against the permissions of the plugin at the other end of the channel that the request came from; nothing
that stands in the request says who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mobileops.errors import HostFault, MobileOpsError, UsageError
from mobileops.plugin.needs import needed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mobileops.runtime.channel.rpc import Frame
    from mobileops.runtime.instances.instance import Instance


class Operation(NamedTuple):
    """One request that plugins may make.

    Attributes:
        run: carries it out for a plugin, given the request's body.
    """

    run: Callable[[Instance, Mapping[str, Any]], Awaitable[Any]]


class Requests:
    """Answers the requests of all plugins."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        """Offer some operations, by name."""
        self._operations = operations

    async def answer(self, instance: Instance, frame: Frame) -> Any:  # noqa: ANN401  msgpack values
        """Carry out one request, if the plugin may make it.

        Raises:
            PermissionDenied: its manifest does not declare what this needs.
            UsageError: there is no such request, or it lacks something.
            MobileOpsError: it could not be carried out.
        """
        operation = self._operations.get(frame.method)
        if operation is None or not isinstance(frame.body, dict):
            raise UsageError(
                f"the plugin manager has no request {frame.method[:100]!r}",
                code="MOP5301",
                fix="use the methods of mobileops.plugin",
            )
        try:
            need = needed(frame.method, frame.body)
            if need is not None:
                permission, target = need
                instance.decisions.require(permission, operation=frame.method, target=target)
            return await operation.run(instance, frame.body)
        except MobileOpsError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"the request {frame.method!r} is incomplete: {type(error).__name__}: {error}",
                code="MOP5302",
                fix="use the methods of mobileops.plugin",
            ) from error
        except Exception as error:
            raise HostFault(
                f"the plugin manager failed at {frame.method!r}: {type(error).__name__}: {error}",
                code="MOP5309",
                fix="report this; 'mobileops logs --daemon' has more",
            ) from error
