"""Start the zygote at the strongest level that this host can enforce and the operator accepts, or refuse.

::

    FULL            namespaces, Landlock and seccomp; tried first, always
    NO-NAMESPACE    only when namespaces are what is missing, and ``min_isolation`` is "no-namespace"
    REFUSE          anything else: the refusal names what is missing and the fix

Nothing is weakened without the operator's word, and every plugin's state says what its level does not enforce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.errors import IsolationRefused
from mobileops.runtime.launching import control_groups, operator_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.home import Home
    from mobileops.runtime.isolation.cgroups import Groups
    from mobileops.runtime.launching.launcher import Launcher

#: Refusals that mean a missing namespace, private mount or range of ids.
_OF_NAMESPACES: Final = frozenset({"MOP4002", "MOP4003", "MOP4004", "MOP4005", "MOP4009"})


class Enforcement(NamedTuple):
    """A running zygote and the control groups of its plugins."""

    launcher: Launcher
    groups: Groups | None


def start(home: Home, *, make: Callable[..., Launcher]) -> Enforcement:
    """Return the running zygote of a home.

    Args:
        home: the plugin manager's folder.
        make: `Launcher`.

    Raises:
        IsolationRefused: the host cannot enforce what the operator asks for, or the settings are not understood.
    """
    settings = operator_settings.load(home.isolation_settings)
    groups = control_groups.prepare(home, required=settings.require_cgroup).groups
    places = {"plugins": home.store, "data": home.data, "private": (home.root,), "audit": home.audit, "groups": groups}
    try:
        return Enforcement(_started(make(**places)), groups)
    except IsolationRefused as refusal:
        if refusal.code in _OF_NAMESPACES and settings.min_isolation == "no-namespace":
            return Enforcement(_started(make(**places, namespaces=False)), groups)
        if groups is not None:
            groups.remove()
        raise


def _started(launcher: Launcher) -> Launcher:
    launcher.start()
    return launcher
