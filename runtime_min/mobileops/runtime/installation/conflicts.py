"""Say in a few lines why no set of versions meets every need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.errors import MobileOpsError, NotFoundError, PluginError
from mobileops.runtime.installation.offers import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobileops.manifest import Version, VersionRange
    from mobileops.runtime.repository.document import Candidate

MAX_NEEDS: Final = 4
MAX_OTHERS: Final = 5


class Need(NamedTuple):
    """That there be a version of a plugin.

    Attributes:
        name: of the plugin.
        versions: that will do; None for any.
        by: who needs it; None for the operator, or for what is installed.
        asked: whether the operator asked for it now.
        exactly: the one version that the operator asked for.
    """

    name: str
    versions: VersionRange | None
    by: Candidate | None
    asked: bool = False
    exactly: Version | None = None

    def __str__(self) -> str:
        """Say who needs what."""
        wanted = self.versions or self.exactly
        what = self.name if wanted is None else f"{self.name} {wanted}"
        if self.by is None:
            return f"you ask for {what}" if self.asked else f"{what} is installed"
        there = " (installed)" if self.by.repository == INSTALLED else ""
        return f"{self.by.name} {self.by.version}{there} needs {what}"


def explain(
    causes: Sequence[tuple[Need, Candidate | None]],
    *,
    available: Callable[[str], list[str]],
    objections: Callable[[str], list[str]],
) -> MobileOpsError:
    """Return the error for needs that cannot be met together.

    Args:
        causes: each need with the version that has it.
        available: returns which versions of a plugin there are.
        objections: returns why some of them are not chosen.
    """
    needs = list(dict.fromkeys(str(need) for need, _parent in causes))
    names = sorted({need.name for need, _parent in causes})
    known = [f"{name}: {_listed(available(name))}" for name in names]
    against = [line for name in names for line in objections(name)]
    why = "; ".join([*needs[:MAX_NEEDS], *_more(needs, MAX_NEEDS), *against[:MAX_OTHERS], *_more(against, MAX_OTHERS)])
    there = f"versions there are: {'; '.join(known)}"
    if len(causes) == 1:
        name = names[0]
        return NotFoundError(
            f"no version of {name!r} will do" if available(name) else f"there is no plugin {name!r}",
            code="MOP6040",
            why=f"{why}; {there}",
            fix=f"mobileops info {name} shows its versions, mobileops search TEXT looks for plugins",
        )
    return PluginError(
        f"no versions of {', '.join(map(repr, names))} meet every need",
        code="MOP6041",
        why=f"{why}; {there}",
        fix="ask for other versions, or upgrade what stands in the way: mobileops upgrade --all",
    )


def _listed(versions: Sequence[str]) -> str:
    shown = ", ".join([*versions[:MAX_OTHERS], *_more(versions, MAX_OTHERS)])
    return shown or "none"


def _more(found: Sequence[str], limit: int) -> list[str]:
    return [f"and {len(found) - limit} more"] if len(found) > limit else []
