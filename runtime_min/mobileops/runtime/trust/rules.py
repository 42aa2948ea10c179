"""What a trust policy is made of: roots that may vouch, rules about who publishes which names, and what is revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from mobileops.manifest.permissions import Permission

Assurance = Literal["public", "private", "key", "local"]
"""Who stands behind a root: the public Sigstore, an organisation's own, a key file, or one directory on one machine."""


class Root(NamedTuple):
    """A trust root under the name that rules and pins use.

    Attributes:
        name: key in the policy; ``key:PATH`` for the key of one rule.
        assurance: how much its word is worth.
        trusted_root: file with Sigstore's ``TrustedRoot``, pinned by the operator; None for a root made of keys.
        keys: PEM files with the public keys that may sign; empty for a root of certificates.
        optional: whether the file may be missing, as that of the local instance before the first signature.
        own: whether it belongs to one publisher rule, and vouches for the names of that rule only.
    """

    name: str
    assurance: Assurance
    trusted_root: Path | None = None
    keys: tuple[Path, ...] = ()
    optional: bool = False
    own: bool = False


class Publisher(NamedTuple):
    """A rule that owns names. Each demand that is not None has to be met, compared as text.

    Attributes:
        plugins: exact names, or prefixes that end in ``*``.
        root: the only root that may vouch.
        issuer: URL of whoever vouches for the identity; None only if the root is made of keys.
        identity: e-mail address or URI.
        repository: ``OWNER/NAME`` on GitHub, or the whole URI of a repository elsewhere.
        repository_id: number that the repository keeps when it is renamed, and that a successor does not get.
        owner_id: likewise of the repository's owner.
        workflow: file name below ``.github/workflows``, or a path in the repository.
        ref: the only ref.
        ref_prefix: prefix of the refs, such as ``refs/tags/``.
        trigger: events that may have started the build.
        max_permissions: upper bound of what its plugins may ask for; None sets none.
    """

    plugins: tuple[str, ...]
    root: str
    issuer: str | None = None
    identity: str | None = None
    repository: str | None = None
    repository_id: str | None = None
    owner_id: str | None = None
    workflow: str | None = None
    ref: str | None = None
    ref_prefix: str | None = None
    trigger: tuple[str, ...] | None = None
    max_permissions: tuple[Permission, ...] | None = None

    def weight(self, name: str) -> int:
        """Return how closely the rule fits a name: 0 not at all, more for a longer prefix, most for the name itself."""
        return max(_weight(pattern, name) for pattern in self.plugins)


class RevokedIdentity(NamedTuple):
    """A signer whose signatures do not count, all of them or those from a time on.

    Attributes:
        issuer: demand on the signer like those of a `Publisher`; at least one of the four is not None.
        identity: likewise.
        repository_id: likewise.
        owner_id: likewise.
        after: signatures made at this time or later are revoked; None revokes all.
    """

    issuer: str | None = None
    identity: str | None = None
    repository_id: str | None = None
    owner_id: str | None = None
    after: datetime | None = None


class Revoked(NamedTuple):
    """What is not accepted any more, whoever vouches for it.

    Attributes:
        sha256: digests of archives, lowercase hex.
        key_hints: hints of keys.
        identities: signers.
    """

    sha256: frozenset[str] = frozenset()
    key_hints: frozenset[str] = frozenset()
    identities: tuple[RevokedIdentity, ...] = ()

    @property
    def total(self) -> int:
        """How many entries there are."""
        return len(self.sha256) + len(self.key_hints) + len(self.identities)


class Rules(NamedTuple):
    """The parsed content of a policy file.

    Attributes:
        roots: in the order of the file, then the keys of single rules.
        publishers: no two claim the same name or prefix.
        revoked: what is not accepted any more.
        serial: number of this edition of the policy; a host refuses a lower one than it has seen.
        max_root_age_days: a root whose file is older draws a warning; None never warns.
    """

    roots: tuple[Root, ...]
    publishers: tuple[Publisher, ...] = ()
    revoked: Revoked = Revoked()
    serial: int = 0
    max_root_age_days: int | None = None


def _weight(pattern: str, name: str) -> int:
    if pattern == name:
        return len(name) + 2
    if pattern.endswith("*") and name.startswith(pattern[:-1]):
        return len(pattern)
    return 0
