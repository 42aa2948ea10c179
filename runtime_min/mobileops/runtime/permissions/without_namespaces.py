"""An explanation for the level without namespaces: the same policy, without what stands on a namespace.

A plugin's files are where they lie on the host, temporary files lie in its own folder, and what no mechanism of that
level holds is said in a section of its own. A plugin with a network permission does not start there.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation import bare
from mobileops.runtime.permissions import explanation, network
from mobileops.runtime.permissions.statement import Section, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.isolation.policy import SandboxPolicy
    from mobileops.runtime.permissions.explanation import Explanation

_NAMESPACES: Final = frozenset({explanation.MOUNTS, explanation.PID, explanation.USER, network.NAMESPACE})


def without_namespaces(found: Explanation, compiled: SandboxPolicy) -> Explanation:
    """Return what an explanation says on a host where plugins run without namespaces.

    Args:
        found: of `explanation.explain`.
        compiled: the policy that it explains.
    """
    return dataclasses.replace(found, sections=tuple(_sections(found, compiled)))


def _sections(found: Explanation, compiled: SandboxPolicy) -> Iterator[Section]:
    for section in found.sections:
        if section.title == "files":
            yield _files(section, compiled)
        elif section.title == "network" and compiled.network is not None:
            refused = "start on this host: a network permission needs namespaces [MOP4015]"
            yield Section("network", (), (Statement(refused, None, ("plugin manager",)),))
        else:
            yield Section(section.title, tuple(_held(section.can)), tuple(_held(section.cannot)))
    gaps = tuple(Statement(gap, None, ()) for gap in bare.NOT_ENFORCED)
    yield Section("not enforced on this host, which has no namespaces", gaps, ())


def _held(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield what something of this level holds, named by that alone."""
    for one in statements:
        left = tuple(name for name in one.enforced_by if name not in _NAMESPACES)
        if left or not one.enforced_by:
            yield dataclasses.replace(one, enforced_by=left)


def _files(section: Section, compiled: SandboxPolicy) -> Section:
    opened = bare.rules(compiled.app, compiled.data, allow_execution=compiled.allow_execution, packages=())
    merged: dict[tuple[str, str], list[str]] = {}
    for path, rights in opened:
        merged.setdefault((explanation.mode(rights), _what(path, compiled)), []).append(path)
    can = [
        Statement(f"{mode:13} {', '.join(paths)}: {what}", None, (explanation.LANDLOCK,))
        for (mode, what), paths in merged.items()
    ]
    can.append(
        Statement("read          the runtime and its SDK, where they are installed", None, (explanation.LANDLOCK,))
    )
    can += [one for one in _held(section.can) if one.permission is not None]
    cannot = (
        Statement("open any other file or folder of the host", None, (explanation.LANDLOCK,)),
        Statement("write to any path that is not marked 'write' above", None, (explanation.LANDLOCK,)),
        Statement("change modes, owners, times and attributes: the call does nothing", None, (explanation.SECCOMP,)),
    )
    return Section(section.title, tuple(can), cannot)


def _what(path: str, compiled: SandboxPolicy) -> str:
    if path == compiled.app:
        return "the plugin's own files"
    if path == compiled.data:
        return f"what it keeps, and its temporary files in {bare.SCRATCH_NAME}"
    return "programs, libraries, devices and settings of the host"
