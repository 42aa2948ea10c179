"""Compare what two versions may do, with the inclusion of permissions (`mobileops.manifest.covers`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.runtime.comparison.change import Change, Level
from mobileops.runtime.permissions.difference import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mobileops.manifest import Permission


def permission_changes(old: Sequence[Permission], new: Sequence[Permission]) -> Iterator[Change]:
    """Yield what the new version may do that the old one might not, then the other way round.

    More permissions ask for a minor step: whoever runs the plugin has to agree again. Fewer break nobody.
    """
    for one in differences(old, new):
        before, after = (", ".join(map(str, side)) or None for side in (one.before, one.after))
        (subject,) = one.after if one.allows_more else one.before
        yield Change(one.kind, str(subject), before, after, Level.MINOR if one.allows_more else Level.PATCH)
