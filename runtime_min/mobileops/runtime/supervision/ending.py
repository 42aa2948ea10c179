"""End one run: ask, wait for its stop timeout, then kill."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import CallError, MobileOpsError, PluginError
from mobileops.runtime.channel.rpc import HOOK_REFUSED, Kind
from mobileops.runtime.instances.lifecycle import SERVING, State

if TYPE_CHECKING:
    from mobileops.runtime.instances.instance import Instance

KILL_WAIT_S: Final = 5.0


async def end(instance: Instance, cause: str, *, force: bool = False) -> None:
    """End a run.

    Args:
        instance: active.
        cause: who or what ends it.
        force: whether it ends although its pre_stop hook says no.

    Raises:
        PluginError: its pre_stop hook said no; it runs on (MOP5107).
    """
    served = instance.state in SERVING
    instance.stop_requested = True
    if instance.state is not State.STOPPING:
        instance.move(State.STOPPING, cause)
    try:
        if instance.connection is not None:
            body = {"force": force or not served}
            await instance.connection.request(Kind.CONTROL, "stop", body, deadline_s=instance.stop_timeout_s)
    except CallError as error:
        if error.code == HOOK_REFUSED and served and not force and instance.state is State.STOPPING:
            raise _stays(instance, error) from error
    except MobileOpsError:
        pass  # it has ended already, or will be killed
    await _ended(instance)


async def prepare(instance: Instance) -> None:
    """Run the pre_stop hook of a run that will be replaced; its end does not run it again.

    Raises:
        PluginError: the hook said no (MOP5107).
    """
    if instance.connection is None:
        return
    try:
        await instance.connection.request(Kind.CONTROL, "prepare", deadline_s=instance.stop_timeout_s)
    except CallError as error:
        if error.code == HOOK_REFUSED:
            raise _refused(instance, error) from error
    except MobileOpsError:
        return


async def _ended(instance: Instance) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(instance.ended.wait(), instance.stop_timeout_s)
        return
    if instance.state is State.STOPPING:
        where = f", in its hook {instance.hook}" if instance.hook else ""
        instance.move(State.STOPPING, f"did not end within {instance.stop_timeout_s:g} s{where}, killed")
    instance.kill()
    with suppress(TimeoutError):
        await asyncio.wait_for(instance.ended.wait(), KILL_WAIT_S)


def _stays(instance: Instance, error: CallError) -> PluginError:
    instance.stop_requested = False
    instance.move(State.RUNNING, f"not stopped: {error.what}")
    return _refused(instance, error)


def _refused(instance: Instance, error: CallError) -> PluginError:
    return PluginError(
        f"{instance.name!r} is not stopped: {error.what}",
        code=HOOK_REFUSED,
        why="a pre_ hook that fails stops what it precedes",
        fix=f"mobileops stop {instance.name} --force does not ask it",
    )
