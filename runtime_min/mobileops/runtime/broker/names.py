"""Which granted name resolved to which address: what ties a connection, which has no name, to a permission that has."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mobileops.runtime.broker.addresses import Address

#: How long an address belongs to a name after it was last resolved; longer than clients keep connections' addresses.
VALID_S: Final = 3600.0
NAMES_LIMIT: Final = 4096


class Names:
    """Addresses that granted names resolved to, for one plugin. Any thread may use it.

    Args:
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: OrderedDict[tuple[Address, str], float] = OrderedDict()

    def learn(self, name: str, addresses: Iterable[Address]) -> None:
        """Remember what a name resolved to; the oldest is forgotten beyond `NAMES_LIMIT`."""
        until = self._clock() + VALID_S
        with self._lock:
            for address in addresses:
                self._until[address, name] = until
                self._until.move_to_end((address, name))
            while len(self._until) > NAMES_LIMIT:
                self._until.popitem(last=False)

    def of(self, address: Address) -> list[str]:
        """Return the names that resolved to an address not longer than `VALID_S` ago."""
        now = self._clock()
        with self._lock:
            return [name for (known, name), until in self._until.items() if known == address and until > now]


def matches(host: str, name: str) -> bool:
    """Tell whether a name is the one of a grant, or below its wildcard; both without a final dot, in lower case."""
    return name.endswith(host[1:]) if host.startswith("*.") else name == host
