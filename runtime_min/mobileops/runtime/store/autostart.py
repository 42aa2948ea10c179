"""``autostart.json`` in the plugin manager's folder: the plugins that are started with it.

::

    {"version": 1, "plugins": ["my-plugin"]}

Without the file there is none. An uninstall takes a plugin off the list in the same commit of the journal, so whoever
changes the file holds the store's lock, and whoever reads it looks into the journal first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import HostFault
from mobileops.runtime import durable, journal
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.store.changing import changing

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from mobileops.runtime.home import Home

VERSION: Final = 1
MAX_BYTES: Final = 1 << 20


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    version: int
    plugins: list[str]


class Autostart:
    """The enabled plugins of one home."""

    def __init__(self, home: Home) -> None:
        """Use a prepared home."""
        self._home = home

    def names(self) -> list[str]:
        """Return the enabled plugins, by name.

        Raises:
            HostFault: the file cannot be read (MOP5118).
        """
        try:
            document = msgspec.json.decode(
                journal.read(self._home, self._home.autostart, limit=MAX_BYTES), type=_Document
            )
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise self._unreadable(error) from error
        if document.version != VERSION:
            raise self._unreadable(f"its version is {document.version}, not {VERSION}")
        return sorted(set(document.plugins))

    def has(self, name: str) -> bool:
        """Whether a plugin is enabled; none is while the file cannot be read."""
        try:
            return name in self.names()
        except HostFault:
            return False

    def enable(self, name: str) -> bool:
        """Start a plugin with the plugin manager from now on; return whether that is new.

        Raises:
            NotFoundError: it is not installed (any more).
            HostFault: the file cannot be read or written (MOP5118).
        """
        return self._change(name, wanted=True)

    def disable(self, name: str) -> bool:
        """Start a plugin no more with the plugin manager; return whether that is new.

        Raises:
            HostFault: the file cannot be read or written (MOP5118).
        """
        return self._change(name, wanted=False)

    def without(self, names: Collection[str]) -> dict[Path, bytes | None]:
        """Return what to commit, with what else is, so that none of these is enabled; for who holds the store's lock.

        That is nothing when none of them is, or nobody can tell: a name that is not installed is not started.
        """
        try:
            left = [name for name in self.names() if name not in names]
            return {self._home.autostart: _encode(left)} if len(left) < len(self.names()) else {}
        except HostFault:
            return {}

    def _change(self, name: str, *, wanted: bool) -> bool:
        with changing(self._home):
            if wanted:
                Receipts(self._home).get(name)  # an uninstall may have come between
            names = set(self.names())
            if wanted == (name in names):
                return False
            try:
                durable.write(self._home.autostart, _encode(sorted(names ^ {name})))
            except OSError as error:
                raise self._unreadable(error) from error
        return True

    def _unreadable(self, error: Any) -> HostFault:  # noqa: ANN401  an exception or words
        return HostFault(
            f"the list of plugins that are started with the plugin manager cannot be used: {error}",
            code="MOP5118",
            where=str(self._home.autostart),
            fix='restore it from a backup, or write {"version": 1, "plugins": []} and enable them again',
        )


def _encode(names: list[str]) -> bytes:
    return msgspec.json.format(msgspec.json.encode({"version": VERSION, "plugins": names}))
