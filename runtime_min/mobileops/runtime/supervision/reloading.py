"""Replace a running plugin by a new process of it without losing a call.

::

    1. start the new process beside the old one; it gets no calls, messages or events yet
    2. wait until it is ready, and ask how it is
    3. run the old one's pre_stop hook, which may refuse
    4. switch: from here on everything new goes to the new process
    5. drain: wait until the old one has answered what it got before
    6. stop the old one

Whatever fails before the switch ends the new process and leaves the old one as it was. Both processes have the same
user id and the same /data for a moment; what listens on a port can do so only once (`restart` is for that).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import MobileOpsError, PluginError
from mobileops.manifest import Version
from mobileops.runtime.channel.rpc import HOOK_REFUSED, Kind
from mobileops.runtime.instances.lifecycle import SERVING, State
from mobileops.runtime.supervision import health
from mobileops.runtime.supervision.ending import KILL_WAIT_S, end, prepare

if TYPE_CHECKING:
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.supervision.runs import Runs

NOT_RELOADED: Final = "MOP5108"
CRASHED: Final = "MOP5119"
DRAIN_S: Final = 60.0
HEALTH_TIMEOUT_S: Final = 10.0
"""How long the new process may take for its first health check."""


async def replace(runs: Runs, routes: dict[str, Instance], receipt: Receipt, *, debug: bool, drain_s: float) -> int:
    """Replace the run that the route of a plugin leads to.

    Args:
        runs: begins the new one.
        routes: plugin name -> where its calls go; changed at the switch.
        receipt: what the new one runs.
        debug: whether it is in debug mode.
        drain_s: how long callers of the old one are waited for.

    Returns:
        How many callers the old one was stopped upon, 0 unless they waited longer than ``drain_s``.

    Raises:
        PluginError: the old one still runs, as before (MOP5107, MOP5108).
    """
    old = routes[receipt.name]
    new = runs.begin(receipt, cause=f"replaces {old.receipt.version}", debug=debug, upgrade=is_upgrade(old, receipt))
    new.routed = False
    try:
        await until_ready(new)
        trouble = await health.ask(new, HEALTH_TIMEOUT_S)
        if trouble is None:
            await prepare(old)
        _check(old, new, trouble)
    except (MobileOpsError, asyncio.CancelledError) as error:
        _abandon(new)
        if isinstance(error, MobileOpsError) and error.code not in {HOOK_REFUSED, NOT_RELOADED}:
            raise _kept(old, error.what) from error
        raise
    old.routed, new.routed = False, True
    routes[receipt.name] = new
    left = await old.calls.drained(drain_s)
    await end(old, f"replaced by {receipt.version}", force=True)
    await upgraded(new, old.receipt)
    return left


async def until_ready(instance: Instance) -> None:
    """Wait until a run is ready.

    Raises:
        PluginError: it failed before (MOP5106), or was ready and has failed since (MOP5119).
    """
    waits = [asyncio.create_task(instance.ready.wait()), asyncio.create_task(instance.ended.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
    if instance.ready.is_set() and instance.state is State.FAILED:
        raise await _crashed(instance)
    if not instance.ready.is_set():
        raise PluginError(
            f"{instance.name!r} did not start: {instance.cause}",
            code="MOP5106",
            fix=f"mobileops logs {instance.name} shows what it wrote",
        )


async def _crashed(instance: Instance) -> PluginError:
    """Return what to say of a run that was ready and has failed, once it is decided whether another follows."""
    with suppress(TimeoutError):
        await asyncio.wait_for(instance.ended.wait(), KILL_WAIT_S)
    return PluginError(
        f"{instance.name!r} has started and then crashed: {instance.cause}",
        code=CRASHED,
        why="it was ready; only services, integrations and what is enabled are started again after a crash",
        fix=f"mobileops status {instance.name} shows whether it runs again, and mobileops logs what it wrote",
    )


def is_upgrade(old: Instance, receipt: Receipt) -> bool:
    """Whether a receipt is of a higher version than a run."""
    return Version.parse(receipt.version) > Version.parse(old.receipt.version)


async def upgraded(new: Instance, old: Receipt) -> None:
    """Run the post_upgrade hook of a run that replaced a lower version."""
    if Version.parse(new.receipt.version) > Version.parse(old.version) and new.connection is not None:
        with suppress(MobileOpsError):  # it is in the log
            await new.connection.request(Kind.CONTROL, "upgraded", deadline_s=new.stop_timeout_s)


def _check(old: Instance, new: Instance, trouble: str | None) -> None:
    """Make sure, at the moment of the switch, that the one may take over and the other be replaced."""
    if trouble is not None or new.state not in SERVING:
        raise _kept(old, trouble or new.cause)
    if old.stop_requested:
        raise PluginError(
            f"{old.name!r} was stopped while it was reloaded", code=NOT_RELOADED, fix=f"mobileops start {old.name}"
        )


def _abandon(new: Instance) -> None:
    new.stop_requested = True
    new.fail("it does not take over")


def _kept(old: Instance, cause: str) -> PluginError:
    return PluginError(
        f"{old.name!r} was not reloaded: {cause}",
        code=NOT_RELOADED,
        why=f"{old.receipt.version} still runs, as before",
        fix=f"mobileops logs {old.name} shows what the new process wrote",
    )
