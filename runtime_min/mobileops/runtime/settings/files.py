"""The operator's settings of each plugin, in two files below ``config/`` of the plugin manager's folder.

::

    config/NAME.json            {"version": 1, "settings": {"timeout": 30}}
    config/NAME.secrets.json    {"version": 1, "settings": {"token": "…"}}

Both have mode 0600, in a folder of mode 0700. A file that is absent holds nothing. Each is replaced as a whole
(`durable.write`); who changes them holds `SettingsFiles.changing` from the reading to the writing, so that no change
of another writer is lost.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import HostFault, ManifestError, PluginError
from mobileops.manifest.json_text import canonical, loads
from mobileops.runtime import durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mobileops.runtime.home import Home

VERSION: Final = 1
MAX_BYTES: Final = 1 << 20
LOCK: Final = ".lock"


class Stored(NamedTuple):
    """What the operator set.

    Attributes:
        values: setting to value.
        secrets: the same, for what nobody may see.
    """

    values: Mapping[str, Any]
    secrets: Mapping[str, Any]

    @property
    def all(self) -> dict[str, Any]:
        """Both together."""
        return {**self.values, **self.secrets}


NOTHING: Final = Stored({}, {})


class SettingsFiles:
    """The settings of all plugins of one home."""

    def __init__(self, home: Home) -> None:
        """Use a prepared home."""
        self._folder = home.settings

    def load(self, name: str) -> Stored:
        """Return what is set for a plugin.

        Raises:
            HostFault: a file cannot be read or understood (MOP5401).
        """
        return Stored(*(_read(path) for path in self.paths(name)))

    def save(self, name: str, stored: Stored) -> None:
        """Replace what is set for a plugin; secrets first, so that a crash in between leaves no setting without one.

        Raises:
            PluginError: it is more than a file holds (MOP5409); nothing was written.
            HostFault: the disk refused (MOP5401).
        """
        plain, secret = self.paths(name)
        pairs = [(path, values, _document(path, values)) for path, values in ((secret, stored[1]), (plain, stored[0]))]
        try:
            for path, values, data in pairs:
                if values:
                    durable.write(path, data)
                elif path.exists():
                    path.unlink()
                    durable.sync_folder(self._folder)
        except OSError as error:
            raise _unreadable(plain, f"it cannot be written: {error.strerror}") from error

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep other writers waiting for the length of the block."""
        with durable.locked(self._folder / LOCK):
            yield

    def paths(self, name: str) -> tuple[Path, Path]:
        """Return a plugin's two files, the one with its secrets last."""
        return self._folder / f"{name}.json", self._folder / f"{name}.secrets.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(path, f"it cannot be read: {error.strerror}") from error
    try:
        document = loads(data, where=path.name, limit=MAX_BYTES)
    except ManifestError as error:
        raise _unreadable(path, error.findings[0].where.removeprefix(f"{path.name}:") + " is no strict JSON") from error
    if not isinstance(document, dict) or document.keys() != {"version", "settings"} or document["version"] != VERSION:
        raise _unreadable(path, f"it is not of the form {{'version': {VERSION}, 'settings': {{…}}}}")
    if not isinstance(document["settings"], dict):
        raise _unreadable(path, "its settings are no JSON object")
    return document["settings"]


def _document(path: Path, values: Mapping[str, Any]) -> bytes:
    data = canonical({"version": VERSION, "settings": values})
    if len(data) > MAX_BYTES:
        raise PluginError(
            f"{len(data):,} bytes are too many for the settings of a plugin",
            code="MOP5409",
            where=str(path),
            why=f"at most {MAX_BYTES:,} bytes are kept",
            fix="put large values into a file of the plugin's data folder or into an asset",
        )
    return data


def _unreadable(path: Path, why: str) -> HostFault:
    return HostFault(
        f"the settings cannot be used: {why}",
        code="MOP5401",
        where=str(path),
        fix="repair the file, or remove it and set again what it held",
    )
