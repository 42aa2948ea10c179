"""Compare what two versions may do, with the inclusion of permissions (`mobileops.manifest.covers`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.manifest import allows, covers
from mobileops.toolchain.compare.change import Change, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mobileops.manifest import Permission


def permission_changes(old: Sequence[Permission], new: Sequence[Permission]) -> Iterator[Change]:
    """Yield what the new version may do that the old one might not, then the other way round.

    More permissions ask for a minor step: whoever runs the plugin has to agree again. Fewer break nobody.
    """
    gone = [permission for permission in old if not allows(new, permission)]
    for permission in sorted(set(new), key=str):
        if allows(old, permission):
            continue
        narrower = sorted(str(one) for one in old if covers(permission, one))
        kind = "widened" if narrower else "added"
        yield Change(kind, str(permission), ", ".join(narrower) or None, str(permission), Level.MINOR)
    for permission in sorted(set(gone), key=str):
        rest = sorted(str(one) for one in new if covers(permission, one))
        yield Change("narrowed" if rest else "removed", str(permission), str(permission), ", ".join(rest) or None)
