"""Try again what a network service could not do at once."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Backoff:
    """How often and after which waits.

    Attributes:
        attempts: tries in all, at least one.
        first_s: seconds before the second try.
        factor: by which each wait is longer than the one before.
        sleep: what waits.
    """

    attempts: int = 4
    first_s: float = 1.0
    factor: float = 3.0
    sleep: Callable[[float], None] = time.sleep

    def call(self, act: Callable[[], T]) -> T:
        """Return what ``act`` returns; raise its last error, or its first one that another try cannot mend."""
        for wait in self._waits():
            try:
                return act()
            except Exception as error:
                if not passing(error):
                    raise
            self.sleep(wait)
        return act()

    def _waits(self) -> Iterator[float]:
        for number in range(self.attempts - 1):
            yield self.first_s * self.factor**number


def passing(error: BaseException) -> bool:
    """Tell whether an error is of the kind that passes: no connection, no answer in time, a server's own fault.

    Clients wrap what they meet, so the whole chain of causes counts. ``requests`` and ``urllib3`` are not imported for
    it: the errors of the first are OSErrors, those with an answer carry it as ``response``.
    """
    found: BaseException | None = error
    while found is not None:
        status = getattr(getattr(found, "response", None), "status_code", None)
        if isinstance(status, int):
            return status >= SERVER_ERRORS or status == TOO_MANY_REQUESTS
        if isinstance(found, OSError) and not isinstance(found, FileNotFoundError | PermissionError):
            return True
        found = found.__cause__ or found.__context__
    return False
