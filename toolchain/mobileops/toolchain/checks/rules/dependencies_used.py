"""Every declared dependency brings a module that the code imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1332"


def check(source: Source) -> Iterator[Finding]:
    """Yield a warning for each dependency that nothing imports.

    It is a warning because a package may be there for another one's sake, as a parser or a driver is. Of a package
    whose modules are not known, nothing is said while some import has no other origin.
    """
    resolution = source.once(modules.resolve)
    if source.code.skipped or source.text_of("entry_point") not in source.code.facts:
        return  # not all of the code is known
    used = frozenset[str]().union(*resolution.brought.values())
    doubt = resolution.unknown if any(not by for by in resolution.brought.values()) else frozenset[str]()
    for position, name in modules.declared_names(source):
        if name not in used and name not in doubt:
            yield Finding(
                code=CODE,
                what=f"no file of the plugin imports dependency {name!r}",
                where=f"{source.manifest_name}#/dependencies/{position}",
                why="every dependency goes into the bundle, and onto the device; tests do not count",
                fix=f"take {name!r} out of 'dependencies', then run 'mobileops lock'",
                severity="warning",
            )
