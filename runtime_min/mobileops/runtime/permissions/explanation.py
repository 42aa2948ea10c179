"""The compiled sandbox policy in words: what a plugin can reach, what it cannot, and what enforces each.

`explain` takes the `SandboxPolicy` that `compile_policy` made and the launcher enforces, the Landlock rules of the
sandbox and the environment of the zygote, and says what they say. Law: two policies that differ in any field have
different explanations.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.manifest.permissions import Permission, covers
from mobileops.runtime.isolation import landlock, policy, sandbox
from mobileops.runtime.launching.zygote import ENVIRONMENT
from mobileops.runtime.permissions import network
from mobileops.runtime.permissions.statement import Section, Statement, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mobileops.manifest import Manifest
    from mobileops.runtime.isolation.policy import Grant, SandboxPolicy

MOUNTS: Final = "mount namespace"
LANDLOCK: Final = "Landlock"
SECCOMP: Final = "seccomp filter"
CHANNEL: Final = "the plugin manager's side of the channel"
LAUNCHER: Final = "set before the plugin's code is opened"
PID: Final = "pid namespace"
SETRLIMIT: Final = "setrlimit(2)"
USER: Final = "user namespace"
CONTROL_GROUP: Final = "control group"

#: What is behind a path that every plugin has; the others are explained by their names.
_PLACES: Final = {
    "/app": "the plugin's own files, {app}",
    "/data": "what it keeps, {data}",
    "/dev/shm": "private, empty at every start, at most {scratch}",  # noqa: S108 (inside the sandbox)
    "/tmp": "private, empty at every start, at most {scratch}",  # noqa: S108 (likewise)
    "/etc": "certificates, time zone and generated files; the host's own /etc is not there",
    "/proc": "its own processes",
    "/rt": "the runtime and its SDK",
}
_SCRATCH: Final = "/tmp and /dev/shm"  # noqa: S108 (likewise)
_PROGRAMS: Final = "programs and libraries of the host, without the packages installed there"


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """What a plugin can reach.

    Attributes:
        name: the plugin's name.
        version: of its manifest.
        permissions: as declared, in the order of the manifest.
        sections: what it can and cannot do, by subject.
    """

    name: str
    version: str
    permissions: tuple[str, ...]
    sections: tuple[Section, ...]


def explain(manifest: Manifest, compiled: SandboxPolicy) -> Explanation:
    """Say what a policy lets a plugin do.

    Args:
        manifest: with the permissions that were granted.
        compiled: what `compile_policy` made of it.
    """
    granted = manifest.permissions
    return Explanation(
        name=compiled.name,
        version=str(manifest.version),
        permissions=tuple(map(str, granted)),
        sections=(
            _files(compiled, granted),
            network.section(compiled),
            _programs(compiled),
            _environment(compiled),
            _platform(granted),
            _limits(manifest, compiled),
            _account(compiled),
        ),
    )


def _files(compiled: SandboxPolicy, granted: Sequence[Permission]) -> Section:
    can = [*_always_there(compiled), *(_granted(grant, granted) for grant in compiled.grants)]
    can += [
        Statement(f"{permission}: nothing further, {permission.path} is the sandbox's own", str(permission), ())
        for permission in granted
        if permission.path is not None and policy.is_own_place(permission.path)
    ]
    if compiled.debugger is not None:
        what = f"{policy.DEBUGGER}: a debugger, in debug mode; an editor that is attached sees all that the plugin does"
        can.append(Statement(f"{'read':13} {what}", None, (MOUNTS, LANDLOCK)))
    everywhere = {grant.path: grant for grant in compiled.grants}.get("/")
    cannot = [
        Statement("other plugins' files, and the plugin manager's own, also beneath a path above", None, (MOUNTS,))
    ]
    if everywhere is None or not everywhere.read:
        cannot.append(Statement("any other file or folder of the host: it is not there", None, (MOUNTS, LANDLOCK)))
    if everywhere is None or not everywhere.write:
        cannot.append(Statement("write to any path that is not marked 'write' above", None, (MOUNTS, LANDLOCK)))
    cannot.append(
        Statement("devices, mounts, and files of the host that are not files or folders", None, (MOUNTS, SECCOMP))
    )
    return Section("files", tuple(can), tuple(cannot))


def _always_there(compiled: SandboxPolicy) -> Iterator[Statement]:
    """Yield one line for all paths of the sandbox's own that are opened and described alike."""
    scratch = size(policy.SCRATCH_BYTES)
    merged: dict[tuple[str, str], list[str]] = {}
    for path, rights in sandbox.rules(allow_execution=compiled.allow_execution):
        what = _PLACES.get(path, "devices" if path.startswith("/dev/") else _PROGRAMS)
        what = what.format(app=compiled.app, data=compiled.data, scratch=scratch)
        merged.setdefault((mode(rights), what), []).append(path)
    for (how, what), paths in merged.items():
        yield Statement(f"{how:13} {', '.join(paths)}: {what}", None, (MOUNTS, LANDLOCK))


def mode(rights: int) -> str:
    """Return the rights of a Landlock rule in words."""
    modes = {"read": landlock.READ_FILE, "write": landlock.WRITE_FILE, "execute": landlock.EXECUTE}
    return ", ".join(name for name, right in modes.items() if rights & right)


def _granted(grant: Grant, permissions: Iterable[Permission]) -> Statement:
    names = [name for name, asked in ((policy.READ, grant.read), (policy.WRITE, grant.write)) if asked]
    how = ", ".join(name.partition(".")[2] for name in names)
    place = "everywhere on the host" if grant.path == "/" else f"{grant.path} of the host, and all beneath it"
    wanted = [Permission(name, None if grant.path == "/" else grant.path) for name in names]
    by = [str(one) for one in permissions if any(covers(one, each) for each in wanted)]
    return Statement(f"{how:13} {place}", ", ".join(by), (MOUNTS, LANDLOCK))


def _programs(compiled: SandboxPolicy) -> Section:
    count = compiled.limits.processes
    can = [Statement(f"threads and copies of itself, at most {count} together", None, (SETRLIMIT,))]
    cannot = [
        Statement("see, signal or trace a process outside its sandbox", None, (PID, USER, LANDLOCK)),
        Statement("load kernel modules, mount, make namespaces, use io_uring, BPF or keyrings", None, (SECCOMP,)),
    ]
    if compiled.allow_execution:
        where = "start programs that are in the sandbox; each one is in the same sandbox"
        can.append(Statement(where, policy.EXECUTION, (SECCOMP, LANDLOCK)))
    else:
        cannot.insert(0, Statement("start another program", None, (SECCOMP, LANDLOCK)))
    return Section("programs", tuple(can), tuple(cannot))


def _environment(compiled: SandboxPolicy) -> Section:
    own = ", ".join(f"{name}={value}" for name, value in sorted(ENVIRONMENT.items()))
    can = [Statement(f"the sandbox's own: {own}", None, (LAUNCHER,))]
    refused = "a variable that changes how programs are loaded (LD_*, PYTHON*, …), or that is the sandbox's own"
    cannot = [Statement(refused, None, (LAUNCHER,))]
    if compiled.variables is None:
        can.append(Statement("every other variable of the plugin manager", policy.ENVIRONMENT, (LAUNCHER,)))
        return Section("environment", tuple(can), tuple(cannot))
    can += [
        Statement(f"{name} of the plugin manager", f"{policy.ENVIRONMENT}:{name}", (LAUNCHER,))
        for name in sorted(compiled.variables)
    ]
    cannot.insert(0, Statement("any other variable of the plugin manager", None, (LAUNCHER,)))
    return Section("environment", tuple(can), tuple(cannot))


def _platform(granted: Sequence[Permission]) -> Section:
    can, cannot = [], []
    for name in sorted(policy.CHANNEL):
        title = Permission(name).title
        asked = [one for one in granted if one.name == name]
        for one in asked:
            only = f": {one.argument}" if one.argument else ""
            can.append(Statement(f"{_lower(title)}{only}", str(one), (CHANNEL,)))
        if not asked and not any(covers(one, Permission(name)) for one in granted):
            cannot.append(Statement(_lower(title), None, (CHANNEL,)))
    return Section("platform and other plugins", tuple(can), tuple(cannot))


def _limits(manifest: Manifest, compiled: SandboxPolicy) -> Section:
    limits, resources = compiled.limits, manifest.resources
    shown = {
        "memory": size(limits.memory_bytes),
        "processor": f"{limits.cpu:g} of one core's time",
        "processes and threads": f"{limits.processes}",
        "open files of a process": f"{limits.open_files}",
        "size of a file": size(limits.file_size_bytes),
        _SCRATCH: f"{size(policy.SCRATCH_BYTES)} and {policy.SCRATCH_FILES} files each",
        "start": f"{resources.start_timeout_s:g} s until ready",
        "stop": f"{resources.stop_timeout_s:g} s, then it is killed",
    }
    by = {
        "memory": (CONTROL_GROUP, "or a watchdog and setrlimit(2) where there is none"),
        "processor": (CONTROL_GROUP, "or a watchdog that stops it for a moment where there is none"),
        _SCRATCH: (MOUNTS,),
        "start": ("plugin manager",),
        "stop": ("plugin manager",),
    }
    can = tuple(Statement(f"{name}: {value}", None, by.get(name, (SETRLIMIT,))) for name, value in shown.items())
    return Section("limits", can, ())


def _account(compiled: SandboxPolicy) -> Section:
    who = "the plugin manager's own account" if compiled.uid is None else f"user id {compiled.uid}, its own"
    return Section(
        "account",
        (Statement(f"run as {who}, without capabilities", None, (USER, "no_new_privs")),),
        (Statement("gain privileges through set-user-id programs or file capabilities", None, ("no_new_privs",)),),
    )


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
