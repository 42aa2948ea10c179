"""How commands reach the plugin manager."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.instances import unstarted
from mobileops.runtime.manager import client as clients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.cli.console import Console
    from mobileops.runtime.home import Home
    from mobileops.runtime.receipts import Receipt


RETRY_S: Final = 0.05


def started(home: Home) -> clients.Client:
    """Return a connection to the plugin manager, started when it does not run."""
    return clients.connect_or_start(home, program=clients.default_program(home))


def debug_wanted(console: Console) -> bool:
    """Whether MOBILEOPS_PLUGIN_DEBUG asks for debug mode."""
    return console.environment.get("MOBILEOPS_PLUGIN_DEBUG", "") not in {"", "0"}


def tell_debug_mode(state: Mapping[str, Any], console: Console) -> None:
    """Say that a plugin has been started in debug mode, if it was."""
    if not state["debug"]:
        return
    name = state["name"]
    console.note(
        f"{name} is in debug mode for this run: its errors carry tracebacks, 'mobileops debug {name}' attaches"
    )
    if state["debug"] == "errors":
        from mobileops.runtime.launching.debugger import INSTALL  # noqa: PLC0415  only this case needs it

        console.note(f"there is no debugger on this host: {INSTALL}, then mobileops debug {name}")


def running(home: Home, name: str) -> clients.Client:
    """Return a connection to the plugin manager, for a request about a plugin that must be running.

    Raises:
        PluginError: no plugin manager runs, so no plugin does.
    """
    client = clients.connect(home)
    if client is None:
        from mobileops.errors import PluginError  # noqa: PLC0415  only a mistake needs it

        raise PluginError(
            f"{name!r} is not running",
            code="MOP5105",
            why="the plugin manager does not run",
            fix=f"mobileops start {name}",
        )
    return client


def states(home: Home, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the state of each plugin.

    All are stopped when no plugin manager runs (nothing is started to find that out).
    """
    client = clients.connect(home)
    if client is None:
        cause = "the plugin manager does not run"
        return {name: unstarted.describe(name, "stopped", cause=cause) for name in names}
    try:
        return {entry["name"]: entry for entry in client.ask("status", names=names)}
    finally:
        client.close()


def brief(states: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what `mobileops.cli.glance` knows of each state."""
    keys = ("state", "cause", "since", "pid", "version")
    return {name: [state.get(key) for key in keys] for name, state in states.items()}


def wait(home: Home, name: str, *, state: str, timeout_s: float) -> None:
    """Wait until a plugin is in a state, or the time is over; nothing is started to make it so."""
    deadline = time.monotonic() + timeout_s
    while (client := clients.connect(home)) is None:
        if state == "stopped" or time.monotonic() > deadline:
            return
        time.sleep(RETRY_S)  # until somebody starts a plugin manager
    try:
        client.ask("wait", name=name, state=state, timeout_s=max(0.0, deadline - time.monotonic()))
    finally:
        client.close()


def installed(home: Home, name: str) -> Receipt:
    """Return the receipt of an installed plugin; a mistyped name gets a suggestion.

    Raises:
        NotFoundError: it is not installed.
    """
    from mobileops.cli.suggestions import did_you_mean  # noqa: PLC0415  only a mistake needs it
    from mobileops.errors import NotFoundError  # noqa: PLC0415  only a mistake needs it
    from mobileops.runtime.receipts import Receipts  # noqa: PLC0415  keeps this module cheap to import

    store = Receipts(home)
    try:
        return store.get(name)
    except NotFoundError as error:
        error.fix = did_you_mean(name, [receipt.name for receipt in store.all()]) or error.fix
        raise
