"""What the plugin's code does, set against the permissions of its manifest."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from mobileops.errors import ManifestError
from mobileops.manifest.permissions import Permission, allows, covers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.toolchain.checks.source import Source
    from mobileops.toolchain.checks.uses import Use


class Need(NamedTuple):
    """One place of the code that needs a permission.

    Attributes:
        file: name of the file.
        use: what is there.
        permission: what is needed, when the place says it.
    """

    file: str
    use: Use
    permission: Permission | None

    @property
    def advice(self) -> str:
        """The permission to declare, as an author would write it."""
        if self.permission is None:
            return self.use.names[0]
        if self.permission.name == "network.tcp" and self.permission.port in {80, 443}:
            return f"network.http:{(self.permission.argument or '').rpartition(':')[0]}"
        return str(self.permission)

    def is_met(self, granted: Iterable[Permission]) -> bool:
        """Whether one of the permissions allows it, or may: of a place that names no host, any host will do."""
        if self.permission is not None:
            return allows(granted, self.permission)
        return any(permission.name in self.use.names for permission in granted)

    def may_use(self, granted: Permission) -> bool:
        """Whether this may be what a permission was declared for."""
        if self.permission is not None:
            return covers(granted, self.permission)
        return granted.name in self.use.names


def needs(source: Source) -> tuple[Need, ...]:
    """Return all places, file by file and by line."""
    return tuple(
        Need(name, use, _permission(use.exact))
        for name, facts in source.code.facts.items()
        for use in sorted(facts.uses.found, key=lambda use: use.spot)
    )


@functools.lru_cache(maxsize=256)
def _permission(text: str | None) -> Permission | None:
    if text is None:
        return None
    try:
        return Permission.parse(text)
    except ManifestError:
        return None  # such as a path with '..'
