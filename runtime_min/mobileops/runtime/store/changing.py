"""Who changes the store: one at a time, after what a crash left has been finished and swept, and with our errors."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.runtime import durable, journal
from mobileops.runtime.receipts import CURRENT, RAN
from mobileops.runtime.store import staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from mobileops.runtime.home import Home

_LOCK: Final = "store.lock"
_TEMPORARY: Final = (f".{journal.NAME}.", ".pins.json.", ".autostart.json.")
"""What a killed `durable.write` leaves in the home, of the files that are only written under the lock."""


def locked(home: Home, *, blocking: bool = True) -> AbstractContextManager[None]:
    """Hold the store's lock for the length of the block.

    Raises:
        BlockingIOError: somebody else has it, and ``blocking`` is false.
    """
    return durable.locked(home.run / _LOCK, blocking=blocking)


@contextmanager
def changing(home: Home) -> Iterator[None]:
    """Hold the store's lock, finish and sweep what a crash left, and turn disk errors into ours.

    Raises:
        HostFault: ``MOP6001``, the disk refused.
    """
    with disk_errors(home), locked(home):
        journal.finish(home)
        _sweep_crashes(home)
        yield


@contextmanager
def disk_errors(home: Home) -> Iterator[None]:
    """Turn what the disk refuses into an error of ours.

    Raises:
        HostFault: ``MOP6001``, the disk refused.
    """
    try:
        yield
    except OSError as error:
        raise HostFault(
            f"the store cannot be changed: {error.strerror or error}",
            code="MOP6001",
            where=str(error.filename or home.store),
            fix="check free space and permissions, then repeat the command",
        ) from error


def _sweep_crashes(home: Home) -> None:
    staging.sweep(home.staging)
    for shelf in home.store.iterdir():
        if not (shelf / CURRENT).exists():
            shutil.rmtree(shelf, ignore_errors=True)
    temporary = [path for path in home.root.glob(".*") if path.name.startswith(_TEMPORARY)]
    temporary += [path for path in home.store.glob("*/.*") if not path.name.startswith(f".{RAN}.")]
    for left in temporary:
        left.unlink(missing_ok=True)
