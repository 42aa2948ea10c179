"""Every declared permission is one that the code may need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import modules, needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.manifest.permissions import Permission
    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1334"

# What code of others may do unseen: that of a dependency, and a program that is started.
_UNSEEN: Final = frozenset({"network", "filesystem", "system"})
# Packages that only compute: they open no connection and start no program, though they read files.
_COMPUTES: Final = frozenset(
    {*("PIL", "attr", "bs4", "cv2", "dateutil", "jsonschema", "msgpack", "msgspec", "numpy", "orjson", "pydantic")}
    | {*("scipy", "six", "skimage", "sklearn", "sympy", "typing_extensions", "yaml")}
)


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for each permission that no place of the code, and no key of the manifest, explains.

    It is a warning because code may hide what it does. Nothing is said about permissions that a dependency, or a
    program that the plugin starts, may be the one to need; nor about ``ui.render``, which no call shows.
    """
    if source.code.skipped or source.text_of("entry_point") not in source.code.facts:
        return  # not all of the code is known
    found = source.once(needs.needs)
    silent = unseen(source, any("system.process" in need.use.names for need in found)) | {"ui"}
    for position, permission in source.permissions:
        if permission.family in silent or str(permission) in explained(source):
            continue
        if not any(need.may_use(permission) for need in found):
            yield _finding(f"{source.manifest_name}#/permissions/{position}", permission)


def unseen(source: Source, starts_programs: bool) -> frozenset[str]:  # noqa: FBT001 - one of two reasons
    """Return the families that code which is not looked into may need."""
    foreign = frozenset(source.once(modules.resolve).places)
    if starts_programs or foreign - _COMPUTES:
        return _UNSEEN
    return frozenset({"filesystem"}) if foreign else frozenset()


def explained(source: Source) -> set[str]:
    """Return the permissions that other keys of the manifest need."""
    events = source.mapping_of("events")
    found = {"api.platform.assets"} if source.list_of("assets") or source.mapping_of("assets") else set()
    for key, permission in (("publishes", "events.publish"), ("subscribes", "events.subscribe")):
        topics = events.get(key)
        found |= {f"{permission}:{topic}" for topic in topics} if isinstance(topics, list) else set()
    return found


def _finding(where: str, permission: Permission) -> Finding:
    return Finding(
        code=CODE,
        what=f"permission {str(permission)!r} is declared, but no code was seen to need it",
        where=where,
        why="whoever installs the plugin is asked for it, and an attacker inside the plugin would have it",
        fix="take it out, or declare only what is needed",
        severity="warning",
    )
