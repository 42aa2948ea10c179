"""A provider that another distribution offers: made once, held against its Protocol, and blamed for what it raises.

Its own errors may be any exception; those of this project pass as they are. Whatever else one raises or returns is
`HostFault` with its name in it, so that neither the plugin that asked nor the plugin manager is taken for the culprit.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import HostFault, MobileOpsError
from mobileops.runtime.platform import providers

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from mobileops.runtime.platform.providers import Offer, Surroundings

PROTOCOLS: Final = {
    "ai": providers.AiProvider,
    "assets": providers.AssetProvider,
    "devices": providers.DeviceProvider,
    "network": providers.NetworkProvider,
}
_SENT: Final = frozenset({"devices", "infer", "load", "status"})
"""Methods whose value is sent to a plugin."""


class ForeignProvider:
    """The methods of a provider, each with its errors translated.

    Args:
        offer: what made it.
        provider: what was made.
    """

    def __init__(self, offer: Offer, provider: object) -> None:
        self._offer = offer
        self._provider = provider

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  the methods of one of four Protocols
        """Return a method of the provider, guarded."""
        return partial(self._call, name)

    def _call(self, name: str, *args: Any, **named: Any) -> Any:  # noqa: ANN401  as the method has them
        try:
            value = getattr(self._provider, name)(*args, **named)
        except Exception as error:
            raise self._blamed(name, error) from error
        return self._awaited(name, value) if inspect.isawaitable(value) else self._checked(name, value)

    async def _awaited(self, name: str, value: Awaitable[Any]) -> Any:  # noqa: ANN401  as the method returns it
        try:
            result = await value
        except Exception as error:
            raise self._blamed(name, error) from error
        return self._checked(name, result)

    def _checked(self, name: str, value: Any) -> Any:  # noqa: ANN401  as the method returns it
        if name in _SENT:
            try:
                msgspec.msgpack.encode(value)
            except Exception as error:
                raise self._blamed(name, error) from error
        return value

    def _blamed(self, name: str, error: Exception) -> MobileOpsError:
        if isinstance(error, MobileOpsError):
            return error
        return HostFault(
            f"the provider of the platform's {self._offer.part!r} failed at {name}(): {type(error).__name__}: {error}",
            code="MOP5324",
            where=self._offer.value,
            fix="tell whoever made the distribution that offers it, or uninstall that",
        )


def make(offer: Offer, surroundings: Surroundings) -> ForeignProvider:
    """Import and make what a distribution offers.

    Raises:
        HostFault: MOP5319, that raises something, or what it returns lacks a method.
    """
    try:
        provider = offer.load()(surroundings)
    except Exception as error:
        raise providers.unusable(offer.part, f"{offer.value}: {type(error).__name__}: {error}") from error
    methods = [name for name in vars(PROTOCOLS[offer.part]) if not name.startswith("_")]
    lacking = [f"{name}()" for name in methods if not callable(getattr(provider, name, None))]
    if lacking:
        kind = type(provider).__name__
        raise providers.unusable(offer.part, f"{offer.value} returned a {kind}, without {', '.join(lacking)}")
    return ForeignProvider(offer, provider)
