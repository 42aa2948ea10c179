"""From a manifest to what is enforced: a pure function, no question to the operating system.

Permissions only ever add. A plugin starts from nothing: no network, no files but its own, no other programs; each
permission that the sandbox knows opens one thing. Permissions that the plugin manager enforces on the channel
(platform, messages, events, UI) are not the sandbox's business and do not appear here.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.manifest import Manifest

#: Size of each of the private memory file systems /tmp and /dev/shm.
SCRATCH_BYTES: Final = 64 * 1024 * 1024
SCRATCH_FILES: Final = 16_384

#: Permission families that are enforced where the plugin's requests arrive, not by the kernel.
_ENFORCED_ON_THE_CHANNEL: Final = (
    "api.platform",
    "plugin.communicate",
    "events.publish",
    "events.subscribe",
    "ui.render",
)
_EXECUTION: Final = "system.process"


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of what one plugin uses; sizes in bytes, the others counts."""

    memory_bytes: int
    processes: int
    open_files: int
    file_size_bytes: int
    scratch_bytes: int = SCRATCH_BYTES
    scratch_files: int = SCRATCH_FILES


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """Everything that decides what one plugin process can reach.

    Attributes:
        name: the plugin's name.
        app: host path of the installed version, seen read-only at /app.
        data: host path of the plugin's own directory, seen at /data.
        uid: host uid and gid, or None to run under the manager's own.
        limits: resource limits.
        allow_execution: whether other programs may be started.
        unsupported: granted permissions that this version cannot open; they add nothing.
    """

    name: str
    app: str
    data: str
    uid: int | None
    limits: Limits
    allow_execution: bool = False
    unsupported: tuple[str, ...] = ()


def compile_policy(manifest: Manifest, *, app: Path, data: Path, uid: int | None) -> SandboxPolicy:
    """Derive the sandbox of a plugin from its manifest.

    Args:
        manifest: the checked manifest, with the permissions that were *granted*.
        app: the installed version, below the store's plugins directory.
        data: the plugin's own directory, directly below the store's data directory.
        uid: what `credentials.plugin_uid` gave for this plugin.
    """
    granted = [str(permission) for permission in manifest.permissions]
    resources = manifest.resources
    return SandboxPolicy(
        name=manifest.name,
        app=str(app),
        data=str(data),
        uid=uid,
        limits=Limits(
            memory_bytes=resources.memory_bytes,
            processes=resources.processes,
            open_files=resources.open_files,
            file_size_bytes=resources.file_size_bytes,
        ),
        allow_execution=_EXECUTION in granted,
        unsupported=tuple(text for text in granted if text != _EXECUTION and not _on_the_channel(text)),
    )


def _on_the_channel(permission: str) -> bool:
    family = permission.partition(":")[0]
    return any(family == known or family.startswith(f"{known}.") for known in _ENFORCED_ON_THE_CHANNEL)
