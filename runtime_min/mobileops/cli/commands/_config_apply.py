"""Write a change of settings and have a running plugin take it over; what it does not take over is put back."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import MobileOpsError, PluginError
from mobileops.runtime.manager import client as clients
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.settings.change import difference
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.settings.judgement import check, strongest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from mobileops.manifest import Manifest
    from mobileops.runtime.home import Home
    from mobileops.runtime.settings.change import Change, Known
    from mobileops.runtime.settings.files import Stored

PATIENCE_S: Final = 5.0
"""How long all patterns of a manifest may take together; one may be made to take for ever."""


def commit(
    home: Home, manifest: Manifest, change: Change, *, folder: Path, known: Callable[[Stored], Known], apply: bool
) -> dict[str, Any]:
    """Apply a change to what is stored at this moment, check the whole, write it, and hand it on.

    Args:
        home: the plugin manager's folder.
        manifest: of the installed plugin.
        change: what becomes different.
        folder: the installed plugin's.
        known: makes what applies it.
        apply: whether a running plugin takes it over now.

    Returns:
        ``{"changed": [names], "applied": "live"|"reload"|"restart"|None}``.

    Raises:
        PluginError: a value does not fit (MOP5403, MOP5406), or the plugin did not take it over (MOP5411); nothing
        has changed.
        NotFoundError: the plugin was uninstalled meanwhile.
        HostFault: the disk refused.
    """
    files = SettingsFiles(home)
    with files.changing():
        Receipts(home).get(manifest.name)  # an uninstall may have come between
        before = files.load(manifest.name)
        settings = known(before)
        after = settings.changed(change)
        names = difference(before, after)
        with _patience(manifest.name):
            check(manifest, after, folder=folder, names=names)
        if names:
            files.save(manifest.name, after)
    how = strongest(settings.definitions, names) if apply else None
    applied = None
    if how is not None:
        try:
            applied = _handed_on(home, manifest.name, how, sorted(names))
        except MobileOpsError as error:
            raise _put_back(home, manifest.name, before, after, how=how, error=error) from error
    return {"changed": sorted(names), "applied": applied}


def _handed_on(home: Home, name: str, how: str, changed: list[str]) -> str | None:
    client = clients.connect(home)
    if client is None:
        return None
    try:
        applied = client.ask("configure", name=name, apply=how, changed=changed)["applied"]
    finally:
        client.close()
    return None if applied is None else str(applied)


def _put_back(
    home: Home, name: str, before: Stored, after: Stored, *, how: str, error: MobileOpsError
) -> MobileOpsError:
    """Store again what was there before, unless somebody changed it meanwhile, and start what a restart has ended."""
    files = SettingsFiles(home)
    with files.changing():
        if files.load(name) != after:
            return error
        files.save(name, before)
    with suppress(MobileOpsError):  # what went wrong first is what counts
        client = clients.connect(home)
        if client is not None:
            try:
                if how == "restart":
                    client.ask("start", name=name)
            finally:
                client.close()
    return PluginError(
        f"{name!r} did not take the settings over: {error.what}",
        code="MOP5411",
        why="the settings that it had before were put back, and it runs with them as far as it can",
        fix=f"mobileops logs {name} shows what it wrote",
    )


@contextmanager
def _patience(name: str) -> Iterator[None]:
    """Give the patterns of a manifest a few seconds; only the main thread can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_number: int, _frame: FrameType | None) -> None:
        raise PluginError(
            f"the patterns of {name!r} could not be tried within {PATIENCE_S:g} s",
            code="MOP5406",
            why="a regular expression of its manifest takes too long for this value",
            fix="give a shorter value, and tell the plugin's author",
        )

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
