"""``isolation.json`` in the plugin manager's folder: what the operator demands of the host, or accepts from it.

::

    {
      "version": 1,
      "min_isolation": "full",       or "no-namespace": accept a host without namespaces, for plugins without network
      "require_cgroup": false        true: refuse a host on which memory, cpu and processes cannot be limited as a whole
    }

Without the file, the values above hold. A key that is unknown is refused, never ignored: an operator who misspells a
demand must not end up without it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Literal

from mobileops.errors import IsolationRefused, ManifestError
from mobileops.manifest.json_text import loads

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 1
MAX_SETTINGS_BYTES: Final = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What the operator decided.

    Attributes:
        min_isolation: the least level at which plugins are started.
        require_cgroup: whether control groups must limit memory, cpu and processes.
    """

    min_isolation: Literal["full", "no-namespace"] = "full"
    require_cgroup: bool = False


_ACCEPTED: Final[dict[str, tuple[Any, ...]]] = {
    "version": (VERSION,),
    "min_isolation": ("full", "no-namespace"),
    "require_cgroup": (True, False),
}


def load(path: Path) -> OperatorSettings:
    """Return the settings of a file, the defaults when there is none.

    Raises:
        IsolationRefused: it cannot be read, or says what nobody understands (MOP4201).
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError:
        return OperatorSettings()
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror}") from error
    try:
        document = loads(data, where=str(path), limit=MAX_SETTINGS_BYTES)
    except ManifestError as error:
        raise _refused(path, error.what) from error
    if not isinstance(document, dict):
        raise _refused(path, "it is no JSON object")
    if (type(document.get("version")), document.get("version")) != (int, VERSION):
        raise _refused(path, f"'version' must be {VERSION}, not {document.get('version')!r}")
    for key, value in document.items():
        if key not in _ACCEPTED:
            raise _refused(path, f"the key {key!r} is not known")
        if (type(value), value) not in [(type(one), one) for one in _ACCEPTED[key]]:
            accepted = ", ".join(repr(one) for one in _ACCEPTED[key])
            raise _refused(path, f"{key!r} is {value!r}, not one of {accepted}")
    return OperatorSettings(**{key: value for key, value in document.items() if key != "version"})


def _refused(path: Path, what: str) -> IsolationRefused:
    return IsolationRefused(
        f"the operator's isolation settings are not understood: {what}",
        code="MOP4201",
        where=str(path),
        why="a demand that is misspelt must not be ignored",
        fix=f"the keys are {', '.join(_ACCEPTED)}",
    )
