"""What a trust policy is made of: roots that may vouch, and rules about who publishes which names."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.manifest.permissions import Permission

Assurance = Literal["public", "private", "local"]
"""Who stands behind a root: the public Sigstore, an organisation's own, or one directory on one machine."""


@dataclasses.dataclass(frozen=True, slots=True)
class Root:
    """A trust root under the name that rules and pins use.

    Attributes:
        name: key in the policy.
        trusted_root: file with Sigstore's ``TrustedRoot``, pinned by the operator.
        assurance: how much its word is worth.
        optional: whether the file may be missing, as that of the local instance before the first signature.
    """

    name: str
    trusted_root: Path
    assurance: Assurance
    optional: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Publisher:
    """A rule that owns names.

    Attributes:
        plugins: exact names, or prefixes that end in ``*``.
        root: the only root that may vouch.
        issuer: the only issuer, compared as text.
        identity: the only identity, likewise.
        max_permissions: upper bound of what its plugins may ask for; None sets none.
    """

    plugins: tuple[str, ...]
    root: str
    issuer: str
    identity: str
    max_permissions: tuple[Permission, ...] | None = None

    def weight(self, name: str) -> int:
        """Return how closely the rule fits a name: 0 not at all, more for a longer prefix, most for the name itself."""
        return max(_weight(pattern, name) for pattern in self.plugins)


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """The parsed content of a policy file.

    Attributes:
        roots: in the order of the file.
        publishers: no two claim the same name or prefix.
        revoked_sha256: digests of archives, lowercase hex.
    """

    roots: tuple[Root, ...]
    publishers: tuple[Publisher, ...] = ()
    revoked_sha256: frozenset[str] = frozenset()


def _weight(pattern: str, name: str) -> int:
    if pattern == name:
        return len(name) + 2
    if pattern.endswith("*") and name.startswith(pattern[:-1]):
        return len(pattern)
    return 0
