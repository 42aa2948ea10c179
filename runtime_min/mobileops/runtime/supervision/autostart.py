"""``autostart.json`` in the plugin manager's folder: the plugins that are started with it.

::

    {"version": 1, "plugins": ["my-plugin"]}

Without the file there is none. A plugin that was uninstalled may still stand there; it is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import HostFault
from mobileops.runtime import durable

if TYPE_CHECKING:
    from mobileops.runtime.home import Home

VERSION: Final = 1
LOCK: Final = "autostart.lock"
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
            with self._home.autostart.open("rb") as stream:
                document = msgspec.json.decode(stream.read(MAX_BYTES), type=_Document)
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
            HostFault: the file cannot be read or written (MOP5118).
        """
        return self._change(name, wanted=True)

    def disable(self, name: str) -> bool:
        """Start a plugin no more with the plugin manager; return whether that is new.

        Raises:
            HostFault: the file cannot be read or written (MOP5118).
        """
        return self._change(name, wanted=False)

    def _change(self, name: str, *, wanted: bool) -> bool:
        try:
            with durable.locked(self._home.run / LOCK):
                names = set(self.names())
                if wanted == (name in names):
                    return False
                document = {"version": VERSION, "plugins": sorted(names ^ {name})}
                durable.write(self._home.autostart, msgspec.json.format(msgspec.json.encode(document)))
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
