"""The plugin manager's control groups: swept when it starts, refused by name when one is missing that is required.

A plugin manager that was killed leaves empty groups behind, perhaps in another group's folder than the one that its
successor is started in. So the folders in use are written down in the home, and the next one removes them first.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.errors import IsolationRefused
from mobileops.runtime import durable
from mobileops.runtime.isolation import cgroup_hierarchies, cgroups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.home import Home

RECORD_NAME: Final = "cgroups.json"
MAX_RECORD_BYTES: Final = 64 * 1024
_IDENTIFIER_LENGTH: Final = 12


class Control(NamedTuple):
    """The control groups of this plugin manager.

    Attributes:
        groups: makes them; None where there are none.
        missing: controller to why plugins are not limited by it.
    """

    groups: cgroups.Groups | None
    missing: Mapping[str, str]


def prepare(home: Home, *, required: bool) -> Control:
    """Remove what an earlier plugin manager of this home left, and make ready what this host offers.

    Args:
        home: the plugin manager's folder.
        required: the operator's ``require_cgroup``.

    Raises:
        IsolationRefused: a controller is missing and required (MOP4202).
    """
    record = home.run / RECORD_NAME
    cgroups.sweep(_recorded(record))
    control = _make(hashlib.sha256(str(home.root).encode()).hexdigest()[:_IDENTIFIER_LENGTH])
    if required and control.missing:
        if control.groups is not None:
            control.groups.remove()
        reasons = "; ".join(f"{name}: {why}" for name, why in control.missing.items())
        raise IsolationRefused(
            f"control groups are required, and {', '.join(control.missing)} cannot be limited by them",
            code="MOP4202",
            where=reasons,
            why="'require_cgroup' is true in the operator's isolation.json",
            fix=FIX,
        )
    if control.groups is not None:
        durable.write(record, json.dumps([str(root) for root in control.groups.roots]).encode())
    return control


#: How a host gets control groups for a plugin manager.
FIX: Final = "run the plugin manager as root, or under systemd with 'Delegate=cpu memory pids' in its unit"


def _make(identifier: str) -> Control:
    hierarchies = cgroup_hierarchies.find()
    if not hierarchies.parents:
        return Control(None, hierarchies.missing)
    groups = cgroups.Groups(hierarchies, identifier=identifier)
    try:
        groups.prepare()
    except OSError as error:
        why = f"{error.strerror} ({error.filename})"
        return Control(None, dict.fromkeys(cgroup_hierarchies.CONTROLLERS, why))
    return Control(groups, hierarchies.missing)


def _recorded(record: Path) -> list[Path]:
    try:
        with record.open("rb") as stream:
            paths = json.loads(stream.read(MAX_RECORD_BYTES))
    except (OSError, ValueError):
        return []
    return [Path(path) for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
