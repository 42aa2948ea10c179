"""The narrowest permissions that what was recorded, and what the code shows, leave room for.

Rules, for each declared permission:

1. What the tests were recorded to do narrows it to exactly that.
2. A place in the code that the tests did not run is kept: the exact permission when the place says which, else the
   declared one as it is.
3. Where code is not looked into, the declared one is kept as it is: of a dependency, unless rules 1 or 2 found
   something; of a program that is started always, but for connections of one that the tests started.
4. What nothing needs is dropped.

Law: everything that the result allows was allowed before.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mobileops.manifest import covers
from mobileops.runtime.isolation import policy
from mobileops.toolchain.tighten.observed import forms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mobileops.manifest import Permission
    from mobileops.toolchain.checks.needs import Need
    from mobileops.toolchain.tighten.observed import Observation

Outcome: TypeAlias = Literal["kept", "narrowed", "dropped"]

RECORDED: Final = "recorded"
STATIC: Final = "in the code, not run by the tests"
#: A frame's line may be any line of a statement that goes over several.
_STATEMENT_LINES: Final = 4
_REACHED_BY_PROGRAMS: Final = frozenset({"filesystem", "network", "system"})


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Why something is kept.

    Attributes:
        permission: what is kept for it.
        where: ``file:line``, or who says so.
        what: in words.
        how: `RECORDED`, `STATIC` or another reason.
    """

    permission: Permission
    where: str
    what: str
    how: str


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one declared permission.

    Attributes:
        declared: as in the manifest.
        kept: what to write instead, sorted; the declared one itself when it stays.
        evidence: for each of what is kept; none for what is dropped.
    """

    declared: Permission
    kept: tuple[Permission, ...]
    evidence: tuple[Evidence, ...]

    @property
    def outcome(self) -> Outcome:
        """Return what becomes of it, in a word."""
        if not self.kept:
            return "dropped"
        return "kept" if self.kept == (self.declared,) else "narrowed"


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of a plugin.

    Attributes:
        observations: what its tests did.
        needs: what its code shows.
        unseen: family -> why code that is not looked into may need it.
        explained: permission -> the key of the manifest that needs it.
    """

    observations: Sequence[Observation]
    needs: Sequence[Need]
    unseen: Mapping[str, str]
    explained: Mapping[Permission, str]

    def hidden_by_programs(self, declared: Iterable[Permission]) -> frozenset[str]:
        """Return the families whose use by started programs is not known.

        Nobody looks into a program. Only its connections are seen, by the network broker, if the tests started it.
        """
        if not any(one.name == policy.EXECUTION for one in declared):
            return frozenset()
        places = [need for need in self.needs if policy.EXECUTION in need.use.names]
        if any(not _was_run(need, self, exact=False) for need in places):
            return _REACHED_BY_PROGRAMS
        started = any(form.name == policy.EXECUTION for one in self.observations for form in one.forms)
        return _REACHED_BY_PROGRAMS - {"network"} if started else frozenset()


def narrowed(declared: Sequence[Permission], known: Known) -> list[Verdict]:
    """Return what becomes of each permission, in order."""
    hidden = known.hidden_by_programs(declared)
    return [_verdict(one, known, hidden) for one in declared]


def result(verdicts: Iterable[Verdict]) -> list[Permission]:
    """Return the permissions to write, in order, each once and none that another one covers."""
    flat = list(dict.fromkeys(one for verdict in verdicts for one in verdict.kept))
    return [one for one in flat if not any(other != one and covers(other, one) for other in flat)]


def missing(declared: Sequence[Permission], known: Known) -> list[Observation]:
    """Return what the tests tried and no declared permission allows."""
    return [
        one
        for one in known.observations
        if one.sure and one.forms and not any(covers(each, form) for each in declared for form in one.forms)
    ]


def _verdict(declared: Permission, known: Known, hidden: frozenset[str]) -> Verdict:
    if declared.path is not None and policy.is_own_place(declared.path):
        return Verdict(declared, (), ())
    evidence = [*_recorded(declared, known), *_static(declared, known), *_told(declared, known)]
    if declared.family in hidden and declared.name != policy.EXECUTION:
        evidence.append(Evidence(declared, "system.process", "a program that it starts may need it", "not looked into"))
    elif declared.family in known.unseen and not evidence:
        evidence.append(Evidence(declared, "unseen code", known.unseen[declared.family], "not looked into"))
    kept = {one.permission for one in evidence}
    least = tuple(sorted((one for one in kept if not any(o != one and covers(o, one) for o in kept)), key=str))
    return Verdict(declared, least, tuple(one for one in evidence if one.permission in least))


def _recorded(declared: Permission, known: Known) -> Iterator[Evidence]:
    for one in known.observations:
        fits = next((form for form in one.forms if covers(declared, form)), None)
        if fits is not None:
            yield Evidence(fits, one.where, one.what, RECORDED)
        elif not one.forms and declared.name in one.names:
            yield Evidence(declared, one.where, one.what, RECORDED)


def _static(declared: Permission, known: Known) -> Iterator[Evidence]:
    for need in known.needs:
        where = f"{need.file}:{need.use.spot.line}"
        if need.permission is not None:
            fits = next((form for form in _static_forms(need.permission) if covers(declared, form)), None)
            own = need.permission.path is not None and policy.is_own_place(need.permission.path)
            if fits is not None and not own and not _was_run(need, known, exact=True):
                yield Evidence(fits, where, need.use.what, STATIC)
        elif declared.name in need.use.names and not _was_run(need, known, exact=False):
            yield Evidence(declared, where, need.use.what, STATIC)


def _static_forms(permission: Permission) -> tuple[Permission, ...]:
    """Return the spellings of what the code needs; of a file to write, first its folder, for it may not exist yet."""
    above = (permission.path or "/").rpartition("/")[0]
    if permission.name == policy.WRITE and above:
        return (permission._replace(argument=above), permission)
    return forms_of(permission)


def _was_run(need: Need, known: Known, *, exact: bool) -> bool:
    """Whether what a place of the code does was recorded: that very permission, or anything of its family."""
    families = {name.partition(".")[0] for name in need.use.names}
    first = need.use.spot.line
    for one in known.observations:
        if one.file == need.file and one.line is not None and first <= one.line < first + _STATEMENT_LINES:
            same = need.permission is not None and set(forms_of(need.permission)) & set(one.forms)
            if same or (not exact and one.family in families):
                return True
    return False


def _told(declared: Permission, known: Known) -> Iterator[Evidence]:
    for permission, key in known.explained.items():
        if covers(declared, permission):
            yield Evidence(permission, f"plugin.json: {key}", str(permission), "declared by another key")
