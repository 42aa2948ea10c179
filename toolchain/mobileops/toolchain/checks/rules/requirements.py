"""requirements.txt lists the packages that "dependencies" names, at versions that they allow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1327"
REQUIREMENTS: Final = "requirements.txt"


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding for each difference between the two lists."""
    dependencies = [entry for entry in source.list_of("dependencies") if isinstance(entry, str)]
    if not files.exists(source.folder, REQUIREMENTS):
        if dependencies:
            where = f"{source.manifest_name}#/dependencies"
            yield _finding(f"'dependencies' is not empty, but there is no {REQUIREMENTS}", where)
        return
    text = source.read(REQUIREMENTS)
    if isinstance(text, Unreadable):
        yield _finding(f"{REQUIREMENTS} {text.reason}", REQUIREMENTS)
        return
    lines = _logical_lines(text)
    if not dependencies and lines:
        yield _finding(f"'dependencies' is empty, but {REQUIREMENTS} lists {lines[0][1][:80]!r}", REQUIREMENTS)
    elif dependencies:
        yield from _differences(dependencies, lines)


def _differences(dependencies: list[str], lines: list[tuple[int, str]]) -> Iterator[Finding]:
    locked: dict[str, tuple[int, Requirement]] = {}
    for number, line in lines:
        requirement = _parsed(line)
        if requirement is None:
            yield _finding(f"{line[:80]!r} is not a requirement", f"{REQUIREMENTS}:{number}")
            return
        locked[_key(requirement)] = number, requirement
    for wanted in filter(None, map(_parsed, dependencies)):  # the schema speaks about those that do not parse
        if _key(wanted) in locked:
            number, found = locked[_key(wanted)]
            pinned = [specifier.version for specifier in found.specifier if specifier.operator == "=="]
            if any(
                not wanted.specifier.contains(version, prereleases=True) for version in pinned if "*" not in version
            ):
                yield _finding(f"{str(found)!r} is not what 'dependencies' asks for", f"{REQUIREMENTS}:{number}")
        elif wanted.marker is None:  # with a marker, the lock may rightly leave it out
            yield _finding(f"dependency {str(wanted)!r} is not in {REQUIREMENTS}", REQUIREMENTS)


def _parsed(text: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - most plugins have no dependencies

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _key(requirement: Requirement) -> str:
    """Return the name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return (line number, requirement) without comments, options and hashes; continuation lines are joined."""
    found: list[tuple[int, str]] = []
    joined, first = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first or number
        joined += re.sub(r"(^|\s)#.*$", "", line)
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        requirement = re.split(r"\s--?[a-z]", f" {joined.strip()}", maxsplit=1)[0].strip()
        if requirement:
            found.append((first, requirement))
        joined, first = "", 0
    return found


def _finding(what: str, where: str) -> Finding:
    return Finding(
        code=CODE,
        what=what,
        where=where,
        why="'dependencies' is the source and requirements.txt its locked form; now one of them is out of date",
        fix="correct 'dependencies', then run 'mobileops lock'",
    )
