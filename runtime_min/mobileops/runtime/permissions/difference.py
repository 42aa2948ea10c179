"""What one list of permissions allows that another does not, by the inclusion `covers` and not by spelling."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, TypeAlias

from mobileops.manifest.permissions import Permission, allows, covers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind: TypeAlias = Literal["added", "widened", "narrowed", "removed"]


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One change of what may be done.

    Attributes:
        kind: ``added`` and ``widened`` allow more than before, ``narrowed`` and ``removed`` less.
        before: permissions of the old list, sorted; none for ``added``.
        after: permissions of the new list, sorted; none for ``removed``.
    """

    kind: Kind
    before: tuple[Permission, ...]
    after: tuple[Permission, ...]

    @property
    def allows_more(self) -> bool:
        """Whether something may be done now that might not be done before."""
        return self.kind in {"added", "widened"}


def differences(old: Sequence[Permission], new: Sequence[Permission]) -> Iterator[Difference]:
    """Yield what the new list allows that the old one does not, then the other way round, each sorted.

    Two lists that allow the same have no difference, however they are written.
    """
    for permission in sorted(set(new), key=str):
        if not allows(old, permission):
            before = _sorted(one for one in old if covers(permission, one))
            yield Difference("widened" if before else "added", before, (permission,))
    for permission in sorted(set(old), key=str):
        if not allows(new, permission):
            after = _sorted(one for one in new if covers(permission, one))
            yield Difference("narrowed" if after else "removed", (permission,), after)


def _sorted(permissions: Iterator[Permission]) -> tuple[Permission, ...]:
    return tuple(sorted(set(permissions), key=str))
