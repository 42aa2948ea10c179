"""Nobody removes a plugin while it is being started, and nobody starts one while it is being removed.

Both hold a lock on the plugin's folder in the store, for as long as they look and act: who starts holds it until
everybody can see that the plugin is starting, who removes it from before the look at what runs until the commit. Who
starts never waits: the plugin manager has others to serve.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from mobileops.errors import PluginError
from mobileops.runtime.store.changing import disk_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from mobileops.runtime.home import Home


@contextmanager
def starting(home: Home, name: str) -> Iterator[None]:
    """Keep a plugin installed for the length of the block, if it is.

    Raises:
        PluginError: ``MOP6011``, somebody is removing it.
    """
    with ExitStack() as stack:
        try:
            _hold(home.store / name, fcntl.LOCK_SH | fcntl.LOCK_NB, stack)
        except BlockingIOError as error:
            raise PluginError(
                f"{name!r} is being uninstalled",
                code="MOP6011",
                fix=f"mobileops list shows whether {name} is still there",
            ) from error
        yield


@contextmanager
def removing(home: Home, names: Collection[str]) -> Iterator[None]:
    """Keep plugins from being started for the length of the block; waits for those who are just doing so.

    Raises:
        HostFault: the disk refuses.
    """
    with ExitStack() as stack:
        with disk_errors(home):
            for name in sorted(names):
                _hold(home.store / name, fcntl.LOCK_EX, stack)
        yield


def _hold(shelf: Path, how: int, stack: ExitStack) -> None:
    """Lock the folder that has this name when it is locked: another one may have got it meanwhile."""
    with suppress(FileNotFoundError, NotADirectoryError):
        while True:
            with ExitStack() as attempt:
                descriptor = os.open(shelf, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                attempt.callback(os.close, descriptor)
                fcntl.flock(descriptor, how)
                if os.path.samestat(os.fstat(descriptor), shelf.stat()):
                    stack.enter_context(attempt.pop_all())
                    return
