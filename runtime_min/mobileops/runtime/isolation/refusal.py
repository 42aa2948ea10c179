"""Say what could not be enforced, why, and what to do: one entry per step of the sandbox.

A step that fails means that no plugin code was opened; nothing weaker is tried without the operator's word.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.errors import IsolationRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING_LIMIT_BYTES: Final = 64
_SYSCTL: Final = Path("/proc/sys")
#: Files that Docker and Podman put into every container.
_CONTAINER_MARKS: Final = (".dockerenv", "run/.containerenv")


class Cause(NamedTuple):
    """What a failed step means to an operator."""

    code: str
    mechanism: str
    fix: str


_KERNEL = "run a Linux kernel 5.13 or newer"
_CONTAINER = "in a container, allow the plugin manager to mount (and an unmasked /proc), or run it on the host"

CAUSES: Final[Mapping[str, Cause]] = {
    "user-namespace": Cause("MOP4002", "user namespaces", "allow unprivileged user namespaces on this host"),
    "mount": Cause("MOP4003", "private mounts", _CONTAINER),
    "root": Cause("MOP4003", "a root file system of its own", _CONTAINER),
    "store": Cause("MOP4003", "hiding the other plugins", _CONTAINER),
    "scratch": Cause("MOP4003", "private temporary directories", _CONTAINER),
    "proc": Cause("MOP4004", "a process list of its own", _CONTAINER),
    "pid-namespace": Cause("MOP4004", "process namespaces", "allow process namespaces (user.max_pid_namespaces)"),
    "namespaces": Cause("MOP4005", "network and IPC namespaces", "raise user.max_net_namespaces and its siblings"),
    "network": Cause("MOP4101", "the network inside the sandbox", "allow CAP_NET_ADMIN in user namespaces"),
    "broker": Cause("MOP4102", "mediated network calls", "run Linux 5.14 or newer; start the plugin again if it is"),
    "landlock": Cause("MOP4006", "Landlock", f"{_KERNEL} with 'landlock' in its lsm= list"),
    "seccomp": Cause("MOP4007", "seccomp filters", f"{_KERNEL} with CONFIG_SECCOMP_FILTER, and allow seccomp(2)"),
    "pidfd": Cause("MOP4008", "process descriptors", _KERNEL),
    "credentials": Cause("MOP4009", "changing to an unprivileged user", "give the manager CAP_SETUID and CAP_SETGID"),
    "id-range": Cause("MOP4009", "mapping a range of user ids", "run the plugin manager as an ordinary user"),
    "capabilities": Cause("MOP4009", "dropping capabilities", _KERNEL),
    "limits": Cause("MOP4010", "resource limits", "ask for less in the manifest's 'resources'"),
    "resources": Cause("MOP4203", "control groups", "ask for less in the manifest's 'resources'"),
    "app": Cause("MOP4011", "the installed files", "reinstall the plugin; its files must be readable by every user"),
    "data": Cause("MOP4011", "the plugin's data directory", "check the owner and the modes of the data directory"),
    "grants": Cause("MOP4014", "a granted path", "name the real path in the permission: no component may be a link"),
    "python": Cause("MOP4012", "the interpreter inside the sandbox", "use a Python that every user may read and run"),
    "start": Cause("MOP4012", "the zygote", "run `mobileops doctor`; its first missing mechanism is the cause"),
    "request": Cause("MOP4013", "the request to the zygote", "make the plugin's configuration smaller"),
}


def refused(step: str, number: int, detail: str) -> IsolationRefused:
    """Return the refusal for a step that failed.

    Args:
        step: a key of `CAUSES`.
        number: errno, 0 when there is none.
        detail: what the kernel or the step said.
    """
    cause = CAUSES.get(step, CAUSES["start"])
    name = errno.errorcode.get(number, "no errno")
    said = os.strerror(number) if number else "failed"
    return IsolationRefused(
        f"this host cannot enforce {cause.mechanism}: {said} ({name}) at step {step!r}",
        code=cause.code,
        where=detail or None,
        why="a plugin runs with every mechanism of the sandbox or not at all",
        fix=user_namespace_fix() if step == "user-namespace" else cause.fix,
    )


def network_without_namespaces(name: str) -> IsolationRefused:
    """Return the refusal of a plugin whose network could not be mediated on this host."""
    return IsolationRefused(
        f"{name!r} has a network permission, and this host offers no namespaces",
        code="MOP4015",
        why="without a network namespace of its own a plugin could reach whatever the host can",
        fix=f"run the plugin manager where `mobileops doctor` says FULL; {user_namespace_fix()}",
    )


def too_many_udp_ports(name: str, count: int, limit: int) -> IsolationRefused:
    """Return the refusal of a plugin whose permissions name more UDP ports than are relayed."""
    return IsolationRefused(
        f"the permissions of {name!r} name {count} UDP ports, at most {limit} are relayed",
        code="MOP4104",
        why="each port takes one or two sockets in the plugin's namespace, which the network broker reads",
        fix="name fewer ports in network.udp",
    )


def from_report(report: Mapping[str, Any]) -> IsolationRefused:
    """Return the refusal that the zygote reported: a failed step, or a rule of ours with its whole form."""
    form = report.get("refusal")
    if form is None:
        return refused(report["step"], report["errno"], report["detail"])
    return IsolationRefused(form["what"], code=form["code"], where=form["where"], why=form["why"], fix=form["fix"])


def user_namespace_fix(sysctl: Path = _SYSCTL, *, root: Path = Path("/")) -> str:
    """Return the fix for missing user namespaces, naming what forbids them here: a setting, or the container.

    Args:
        sysctl: where the settings are.
        root: where container engines leave their mark.
    """
    for setting, forbidding, change in (
        ("user/max_user_namespaces", "0", "set sysctl user.max_user_namespaces=15000"),
        ("kernel/unprivileged_userns_clone", "0", "set sysctl kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "allow 'userns,' in an AppArmor profile, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        if _setting(sysctl / setting) == forbidding:
            return f"{change}, or run the plugin manager as root"
    if any((root / mark).exists() for mark in _CONTAINER_MARKS):
        return (
            "start the container with a seccomp profile that allows unshare, mount and setns (for Docker: "
            "--security-opt seccomp=PROFILE.json, or =unconfined), or run the plugin manager on the host"
        )
    return CAUSES["user-namespace"].fix


def _setting(path: Path) -> str | None:
    try:
        with path.open(encoding="ascii") as stream:
            return stream.read(_SETTING_LIMIT_BYTES).strip()
    except OSError:
        return None
