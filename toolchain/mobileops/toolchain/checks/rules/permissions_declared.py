"""Every permission that the code is seen to need is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.needs import Need
    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1333"
MAX_FINDINGS: Final = 50


def check(source: Source) -> Iterator[Finding]:
    """Yield one warning for each permission that is missing, at the first place that needs it.

    It is a warning and no error: a program may try and live with the refusal, the place may never be reached, and it
    is the sandbox that protects the device, whatever is declared. A broader permission than the needed one counts.
    """
    granted = [permission for _, permission in source.permissions]
    missing: dict[str, list[Need]] = {}
    for need in source.once(needs.needs):
        if need.use.sure and not need.is_met(granted):
            places = missing.get(need.advice)
            if places is not None:
                places.append(need)
            elif len(missing) < MAX_FINDINGS:
                missing[need.advice] = [need]
    for advice, places in missing.items():
        first, more = places[0], len(places) - 1
        yield Finding(
            code=CODE,
            what=f"{first.use.what} needs a permission that is not declared{f' (and {more} more)' if more else ''}",
            where=source.where(first.file, first.use.spot),
            why="a plugin gets what its manifest declares and nothing else: here it will be refused",
            fix=f"add {advice!r} to 'permissions', or do without",
            severity="warning",
        )
