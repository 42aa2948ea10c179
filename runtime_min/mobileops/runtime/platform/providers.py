"""What a provider of one part of the platform API is, and how one is found.

A distribution on the host offers one through an entry point of the group `GROUP`, named after the part::

    [project.entry-points."mobileops.platform"]
    network = "my_package:make_network"

Its value is called with `Surroundings` and returns an object with the methods of the part's Protocol. It runs inside
the plugin manager, with all its rights: installing one is trusting it. Without one the embedded provider serves.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.runtime.launching.launcher import Launcher
    from mobileops.runtime.platform.assets import Stored

GROUP: Final = "mobileops.platform"
DEVICE_TOPICS: Final = ("device.connected", "device.disconnected")
"""What a provider of the part ``devices`` emits."""


class Surroundings(NamedTuple):
    """What a provider gets.

    Attributes:
        home: the plugin manager's folder.
        launcher: returns the running launcher, for a provider that needs a sandboxed process of its own.
        emit: sends an event to whoever has subscribed, and returns to how many.
    """

    home: Home
    launcher: Callable[[], Launcher]
    emit: Callable[[str, Mapping[str, Any]], int]


class AssetProvider(Protocol):
    """Part ``assets``."""

    def find(self, name: str, *, sha256: str | None = None) -> Stored:
        """Return the asset with a digest, or with a name; raises NotFoundError or RefusedError."""

    def check(self, stored: Stored) -> None:
        """Make sure of its content; raises RefusedError. Called in a thread."""


class NetworkProvider(Protocol):
    """Part ``network``."""

    def status(self) -> Mapping[str, Any]:
        """Return what `mobileops.plugin.platform.NetworkStatus` has, as plain values."""


class DeviceProvider(Protocol):
    """Part ``devices``."""

    def devices(self) -> list[dict[str, Any]]:
        """Return what `mobileops.plugin.platform.Device` has, as plain values, for each device."""

    def watch(self) -> str | None:
        """Emit `DEVICE_TOPICS` from now on, in the running event loop; return what of it is not heard here, or None.

        Called when the first subscription to one of them is made, and again after each `close`.
        """

    def close(self) -> None:
        """Emit no more, because nobody listens; it may be watched again."""


class AiProvider(Protocol):
    """Part ``ai``."""

    async def load(self, name: str, path: Path) -> Mapping[str, Any]:
        """Return ``{"inputs", "outputs", "labels"}`` of a model's file."""

    async def infer(self, name: str, path: Path, value: Any) -> Mapping[str, Any]:  # noqa: ANN401  msgpack values
        """Return ``{"outputs", "label", "confidence"}`` for one input of a model's file."""

    def close(self) -> None:
        """End its processes."""


class Offer(NamedTuple):
    """What a distribution on this host offers.

    Attributes:
        part: of the platform API.
        value: ``module:name``, as its entry point has it.
        load: imports it; raises whatever the distribution's code raises.
    """

    part: str
    value: str
    load: Callable[[], Callable[[Surroundings], object]]


def found(part: str) -> Offer | None:
    """Return what a distribution on this host offers for a part; None without one.

    Raises:
        HostFault: MOP5319, there are several.
    """
    offers = list(importlib.metadata.entry_points(group=GROUP, name=part))
    if not offers:
        return None
    names = sorted({offer.value for offer in offers})
    if len(names) > 1:
        raise unusable(part, f"several distributions offer one: {', '.join(names)}")
    return Offer(part, names[0], offers[0].load)


def unusable(part: str, why: str) -> HostFault:
    """Return the error for a part that a distribution offers, and that cannot be had."""
    return HostFault(
        f"the platform's {part!r} has no usable provider: {why}",  # a plugin, and its log, get this line alone
        code="MOP5319",
        fix=f"uninstall or repair what offers {part!r} in the entry point group {GROUP!r}",
    )
