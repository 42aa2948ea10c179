"""Have a plugin reload itself, in the process that runs: its own ``reload()``, between two calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import CallError, PluginError
from mobileops.runtime.channel.rpc import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.receipts import Receipt

RELOAD_DEADLINE_S: Final = 60.0


async def reload_in_place(instance: Instance, receipt: Receipt, *, settings: Callable[[], Mapping[str, Any]]) -> None:
    """Call the plugin's ``reload()``; a plugin whose ``reload()`` fails is ended as a crash.

    Args:
        instance: what runs.
        receipt: what is installed.
        settings: returns the operator's settings as they are now.

    Raises:
        PluginError: another version of it is installed (MOP5116), or it failed (MOP5117).
    """
    name = instance.name
    if receipt.folder != instance.receipt.folder:
        raise PluginError(
            f"{name!r} {receipt.version} is installed, and {instance.receipt.version} runs",
            code="MOP5116",
            why="a process cannot turn into another version",
            fix=f"mobileops reload {name}",
        )
    try:
        if instance.connection is not None:
            with instance.calls.one():
                body = {"settings": dict(settings())}
                await instance.connection.request(Kind.CONTROL, "reload", body, deadline_s=RELOAD_DEADLINE_S)
    except CallError as error:
        instance.fail(f"its reload() failed: {error.what}")
        raise PluginError(
            f"{name!r} did not reload itself: {error.what}",
            code="MOP5117",
            why="a plugin that is half reloaded is ended, and started again if it is of a type that is",
            fix=f"mobileops logs {name}",
        ) from error
    instance.write("INFO", "reloaded in place")
