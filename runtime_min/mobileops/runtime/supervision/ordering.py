"""In which order plugins are started and stopped: a plugin after, and before, what its ``plugin_dependencies`` name."""

from __future__ import annotations

import graphlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mobileops.errors import MobileOpsError, NotFoundError, PluginError
from mobileops.manifest import Version, VersionRange

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mobileops.runtime.receipts import Receipt, Receipts


class Needs(NamedTuple):
    """One plugin, as far as the order is concerned.

    Attributes:
        version: that runs, else that is installed.
        ranges: plugin name -> the versions of it that will do.
    """

    version: Version
    ranges: Mapping[str, VersionRange]


def needs_of(shelf: Receipts, running: Mapping[str, Receipt]) -> dict[str, Needs]:
    """Return what every installed plugin needs; one whose manifest cannot be read is left out.

    Args:
        shelf: the installed plugins.
        running: plugin name -> the receipt of what runs.
    """
    found = {}
    for receipt in shelf.all():
        with suppress(MobileOpsError, OSError):
            version = Version.parse(running.get(receipt.name, receipt).version)
            found[receipt.name] = Needs(version, shelf.manifest(receipt).plugin_dependencies)
    return found


def start_order(names: Sequence[str], needs: Mapping[str, Needs]) -> list[str]:
    """Return the names and all that they need, each after what it needs itself.

    Raises:
        NotFoundError: something that is needed is not installed (MOP5112).
        PluginError: it is there in another version (MOP5113), or one needs itself in the end (MOP5114).
    """
    graph: dict[str, list[str]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in graph or name not in needs:
            continue
        for needed, versions in needs[name].ranges.items():
            _check(name, needed, versions, needs)
        graph[name] = sorted(needs[name].ranges)
        waiting += graph[name]
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = " needs ".join(repr(name) for name in reversed(error.args[1]))
        raise PluginError(
            f"no plugin of a circle can be started first: {circle}",
            code="MOP5114",
            fix="remove one of these from 'plugin_dependencies'",
        ) from error
    return order or list(names)


def enabled_order(names: Collection[str], needs: Mapping[str, Needs]) -> list[str]:
    """Return those of the names that can be started, and what they need, in order; the others hold up nobody."""
    order: dict[str, None] = {}
    for name in sorted(set(names) & set(needs)):
        with suppress(MobileOpsError):
            order |= dict.fromkeys(start_order([name], needs))
    return list(order)


def needed_by(name: str, running: Collection[str], needs: Mapping[str, Needs]) -> list[str]:
    """Return which of the running plugins need one."""
    return sorted(one for one in running if one in needs and name in needs[one].ranges)


def stop_waves(running: Collection[str], needs: Mapping[str, Needs]) -> list[list[str]]:
    """Return the running plugins in groups that can be stopped together, each before what it needs."""
    left, waves = set(running), []
    while left:
        wave = sorted(name for name in left if not needed_by(name, left - {name}, needs)) or sorted(left)
        waves.append(wave)
        left -= set(wave)
    return waves


def _check(name: str, needed: str, versions: VersionRange, needs: Mapping[str, Needs]) -> None:
    if needed not in needs:
        raise NotFoundError(
            f"{name!r} needs the plugin {needed!r}, which is not installed",
            code="MOP5112",
            where=f"{name}/plugin.json: plugin_dependencies",
            fix=f"install {needed} {versions}",
        )
    if not versions.contains(needs[needed].version):
        raise PluginError(
            f"{name!r} needs {needed!r} in a version {versions}, and {needs[needed].version} is there",
            code="MOP5113",
            where=f"{name}/plugin.json: plugin_dependencies",
            fix=f"install a version of {needed} that will do, then mobileops reload {needed}",
        )
