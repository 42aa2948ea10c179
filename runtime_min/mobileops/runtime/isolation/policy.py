"""From a manifest to what is enforced: a pure function, no question to the operating system.

Permissions only ever add. A plugin starts from nothing: no network, no files but its own, no other programs, no
variable of the host's environment; each permission opens one thing, by one mechanism::

    filesystem.read[:/PATH]       a read-only mount at the same path, and Landlock's reading rights on it
    filesystem.write[:/PATH]      a mount at the same path, and Landlock's writing rights on it; reading is not implied
    system.environment[:NAME]     the variable, set before the plugin's code is opened
    system.process                execve(2) in the system call filter, and Landlock's right to execute
    network*                      the network broker, which the system call filter hands every address to
    api.* events.* plugin.* ui.*  the plugin manager, which answers nothing without it; not the sandbox's business

A path that the sandbox itself occupies (/app, /data, /tmp, /dev, /proc) means the sandbox's own: the plugin may always
use that, so the permission opens nothing further.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation.network import Destination, NetworkGrants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.manifest.permissions import Permission

#: Size of each of the private memory file systems /tmp and /dev/shm.
SCRATCH_BYTES: Final = 64 * 1024 * 1024
SCRATCH_FILES: Final = 16_384

#: What the sandbox has made its own; a permission never puts the host's in its place.
OWN_PLACES: Final = ("/app", "/assets", "/data", "/debugger", "/dev", "/empty", "/proc", "/rt", "/st", "/tmp")  # noqa: S108 (inside)
#: Where a plugin sees the Asset Manager's files, and the permissions that show them.
ASSETS: Final = "/assets"
ASSET_PERMISSIONS: Final = frozenset({"api.platform", "api.platform.assets"})
#: Where a plugin in debug mode sees the debugger's package; no permission does that.
DEBUGGER: Final = "/debugger"
#: Permissions that are enforced where the plugin's requests arrive, not by the kernel.
CHANNEL: Final = frozenset({
    "api.platform", "api.platform.ai", "api.platform.assets", "api.platform.devices", "api.platform.network",
    "events.publish", "events.subscribe", "plugin.communicate", "ui.render",
})  # fmt: skip
READ: Final = "filesystem.read"
WRITE: Final = "filesystem.write"
ENVIRONMENT: Final = "system.environment"
EXECUTION: Final = "system.process"
#: Permissions that the kernel enforces.
KERNEL: Final = frozenset({READ, WRITE, ENVIRONMENT, EXECUTION})

OUTGOING_TCP: Final = frozenset({"network", "network.http", "network.tcp"})
OUTGOING_UDP: Final = "network.udp"
INCOMING_TCP: Final = "network.listen"
#: Permissions that the network broker enforces.
BROKER: Final = OUTGOING_TCP | {OUTGOING_UDP, INCOMING_TCP}

#: Variables that are the sandbox's own, or that would change how programs in it are loaded.
_KEPT: Final = frozenset({"HOME", "LOGNAME", "MALLOC_ARENA_MAX", "PATH", "TMPDIR", "USER"})
_LOADER_PREFIXES: Final = ("LD_", "PYTHON", "GLIBC_", "MALLOC_")


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of what one plugin uses; sizes in bytes, the others counts, ``cpu`` in processor cores."""

    memory_bytes: int
    processes: int
    open_files: int
    file_size_bytes: int
    cpu: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """A place of the host's file system that a plugin may use, with all beneath; ``/`` is everywhere.

    Attributes:
        path: on the host.
        read: whether files may be read.
        write: whether files may be written.
        inside: where the plugin sees it, for what the plugin manager itself grants; a manifest's are at their own path.
        code: whether compiled code may be loaded from it.
    """

    path: str
    read: bool
    write: bool
    inside: str = ""
    code: bool = False


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
        grants: places of the host, shorter paths first.
        variables: names of variables to take from the plugin manager's environment; None is all of them.
        network: where connections may go and come from, or None for no network at all.
        debugger: host path of the debugger's package in debug mode, or None.
    """

    name: str
    app: str
    data: str
    uid: int | None
    limits: Limits
    allow_execution: bool = False
    grants: tuple[Grant, ...] = ()
    variables: frozenset[str] | None = frozenset()
    network: NetworkGrants | None = None
    debugger: str | None = None


def compile_policy(manifest: Manifest, *, app: Path, data: Path, uid: int | None) -> SandboxPolicy:
    """Derive the sandbox of a plugin from its manifest.

    Args:
        manifest: the checked manifest, with the permissions that were *granted*.
        app: the installed version, below the store's plugins directory.
        data: the plugin's own directory, directly below the store's data directory.
        uid: what `credentials.plugin_uid` gave for this plugin.
    """
    granted = manifest.permissions
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
            cpu=resources.cpu,
        ),
        allow_execution=any(permission.name == EXECUTION for permission in granted),
        grants=_grants(granted),
        variables=_variables(granted),
        network=_network(granted),
    )


def with_assets(policy: SandboxPolicy, manifest: Manifest, *, assets: Path) -> SandboxPolicy:
    """Return the policy with the Asset Manager's files in sight, if the manifest may read them.

    Args:
        policy: of `compile_policy`.
        manifest: the checked manifest, with the permissions that were *granted*.
        assets: real path of the folder with the files.
    """
    if not any(permission.name in ASSET_PERMISSIONS for permission in manifest.permissions):
        return policy
    grant = Grant(str(assets), read=True, write=False, inside=ASSETS)
    return dataclasses.replace(policy, grants=(*policy.grants, grant))


def with_debugger(policy: SandboxPolicy, package: Path) -> SandboxPolicy:
    """Return the policy of a run in debug mode: the debugger can be imported, and editors be handed in.

    Args:
        policy: of `compile_policy`.
        package: real path of the debugger's package.
    """
    grant = Grant(str(package), read=True, write=False, inside=DEBUGGER, code=True)
    return dataclasses.replace(policy, grants=(*policy.grants, grant), debugger=str(package))


def select_environment(variables: frozenset[str] | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a plugin sees of an environment.

    Args:
        variables: of a `SandboxPolicy`.
        environment: the plugin manager's own.
    """
    return {
        name: value
        for name, value in environment.items()
        if (variables is None or name in variables) and name not in _KEPT and not name.startswith(_LOADER_PREFIXES)
    }


def is_own_place(path: str) -> bool:
    """Whether the sandbox has its own file or folder at a path of the host."""
    return any(path == own or path.startswith(f"{own}/") for own in OWN_PLACES)


def _grants(permissions: Iterable[Permission]) -> tuple[Grant, ...]:
    asked: dict[str, set[str]] = {}
    for permission in permissions:
        if permission.name in {READ, WRITE}:
            asked.setdefault(permission.path or "/", set()).add(permission.name)
    places = sorted((path for path in asked if not is_own_place(path)), key=lambda path: (path.count("/"), path))
    return tuple(Grant(path, read=_covered(asked, path, READ), write=_covered(asked, path, WRITE)) for path in places)


def _covered(asked: Mapping[str, set[str]], path: str, name: str) -> bool:
    """Whether the permission ``name`` was granted for the path or for one above it."""
    return any(
        name in names and (above in {path, "/"} or path.startswith(f"{above}/")) for above, names in asked.items()
    )


def _variables(permissions: Iterable[Permission]) -> frozenset[str] | None:
    named = [permission.argument for permission in permissions if permission.name == ENVIRONMENT]
    return None if None in named else frozenset(name for name in named if name is not None)


def _network(permissions: Iterable[Permission]) -> NetworkGrants | None:
    tcp, udp = [], []
    listen = tuple(one.port for one in permissions if one.name == INCOMING_TCP and one.port is not None)
    for permission in permissions:
        ports = None if permission.ports is None else tuple(sorted(permission.ports))
        destination = Destination(str(permission), permission.host, ports)
        if permission.name in OUTGOING_TCP:
            tcp.append(destination)
        elif permission.name == OUTGOING_UDP:
            udp.append(destination)
    return NetworkGrants(tcp=tuple(tcp), udp=tuple(udp), listen=listen) if tcp or udp or listen else None
