"""Turn problems into findings: add the file's name, and merge what one typing mistake caused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.manifest._generated import PERMISSIONS
from mobileops.manifest._problems import MAX_SUGGESTIONS, MISSING, UNKNOWN_KEY, Problem, closest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.errors import Finding

UNKNOWN_PERMISSION: Final = "MOP1201"


def findings(problems: Iterable[Problem], where: str, *, severity: str = "error") -> list[Finding]:
    """Return one finding for each mistake; ``where`` is put in front of the JSON pointers."""
    found = list(problems)
    if not found:
        return []
    from mobileops.errors import Finding  # noqa: PLC0415 - a good manifest does not pay for the class

    renamed = {(problem.at.rpartition("/")[0], problem.fix) for problem in found if problem.code == UNKNOWN_KEY}
    return [
        Finding(
            problem.code,
            problem.what,
            f"{where}{problem.at}",
            why=f"found {problem.found}" if problem.found else None,
            fix=_fix(problem) if index < MAX_SUGGESTIONS else problem.fix,
            severity=severity,
        )
        for index, problem in enumerate(found)
        # A misspelt required key is unknown and missing at once: the first of the two says it all.
        if problem.code != MISSING
        or (problem.at, f"did you mean {(problem.fix or '').removeprefix('add ')}?") not in renamed
    ]


def _fix(problem: Problem) -> str | None:
    """Return what to do; an unknown permission may be a misspelt one."""
    if problem.code != UNKNOWN_PERMISSION or not problem.found:
        return problem.fix
    name, colon, argument = problem.found[1:-1].partition(":")
    meant = closest(name, PERMISSIONS)
    return f"did you mean '{meant}{colon}{argument}'?" if meant else "see `mobileops explain permissions`"
