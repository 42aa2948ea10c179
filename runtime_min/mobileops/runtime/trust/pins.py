"""Trust on first use: what the first verified install of a name records, and what may not change from then on.

A name that no rule owns belongs to whoever signed its first installed version. For a certificate that carries the
numbers of a repository and of its owner, the pin is those numbers with the issuer and the workflow, because the
identity of such a signer names a tag and differs with every release. For any other certificate it is the identity.
For a key it is the hint. The root, and what it was worth, is always part of it.

Refused until the operator says ``mobileops trust rotate``: another signer, a repository that took over a name, a root
of less worth (public, then private, then a local instance), a key where an identity was pinned, and a bundle without a
signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self

from mobileops.runtime.trust.codes import Code, refuse

if TYPE_CHECKING:
    from mobileops.errors import TrustRefused
    from mobileops.runtime.trust.signer import Signer

WORTH: Final = {"public": 3, "private": 2, "key": 1, "local": 0}
"""Assurance -> rank. A key is compared by kind before by rank: see `changed`."""


class Pin(NamedTuple):
    """The signer that the first install of a name recorded: ``Pin.from_dict(p.to_dict()) == p``.

    Attributes:
        root: name of the root in the policy.
        assurance: what the root was worth.
        issuer: as in `Signer`, like the rest; None where the pin does not say it.
        identity: only where no repository is pinned.
        repository_id: number of the repository.
        owner_id: number of its owner.
        workflow: URI of the workflow, without the ref.
        key_hint: for a key.
    """

    root: str
    assurance: str
    issuer: str | None = None
    identity: str | None = None
    repository_id: str | None = None
    owner_id: str | None = None
    workflow: str | None = None
    key_hint: str | None = None

    @classmethod
    def of(cls, signer: Signer) -> Self:
        """Return what trust on first use records of a signer."""
        if signer.key_hint is not None:
            return cls(root=signer.root, assurance=signer.assurance, key_hint=signer.key_hint)
        common = cls(root=signer.root, assurance=signer.assurance, issuer=signer.issuer)
        if signer.repository_id and signer.owner_id and signer.workflow_uri:
            return common._replace(
                repository_id=signer.repository_id,
                owner_id=signer.owner_id,
                workflow=signer.workflow_uri,
            )
        return common._replace(identity=signer.identity)

    def to_dict(self) -> dict[str, str]:
        """Return plain values for the state of the host."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            TrustRefused: ``MOP3107``, the value is something else.
        """
        known = set(cls._fields)
        if (
            isinstance(value, dict)
            and {"root", "assurance"} <= value.keys() <= known
            and all(isinstance(item, str) for item in value.values())
            and value["assurance"] in WORTH
            and ("key_hint" in value or "identity" in value or {"repository_id", "owner_id", "workflow"} <= set(value))
        ):
            return cls(**value)
        raise refuse(
            Code.PIN_MALFORMED,
            "the pin of a signer is damaged",
            why=f"a pin has a root, its assurance, and an identity, a repository or a key, by the keys {sorted(known)}",
            fix="restore the host's state from a copy",
        )

    def __str__(self) -> str:
        """Say who is pinned, in one line."""
        if self.key_hint is not None:
            return f"the key {self.key_hint} (root {self.root!r})"
        who = self.identity or f"{self.workflow} of repository {self.repository_id}, owner {self.owner_id}"
        return f"{who} as {self.issuer} knows it (root {self.root!r}, {self.assurance})"


def changed(name: str, found: Pin, *, pin: Pin, where: str) -> TrustRefused:
    """Return the refusal of a signer that is not the pinned one, with the code of what makes it worse."""
    old, new = pin.to_dict(), found.to_dict()
    keys = [key for key in old | new if old.get(key) != new.get(key)]
    listed = ", ".join(f"{key} {old.get(key)!r} became {new.get(key)!r}" for key in keys)
    return refuse(
        _code(pin, found),
        f"{name!r} has another signer than at its first install: {listed}",
        where=where,
        why=f"a name without a publisher rule belongs to its first signer: {pin}",
        fix=f"get the plugin from that signer; if the publisher did change: mobileops trust rotate {name} --reason WHY",
    )


def _code(pin: Pin, found: Pin) -> Code:
    if pin.key_hint is None and found.key_hint is not None:
        return Code.DOWNGRADE_KEY
    if WORTH[found.assurance] < WORTH[pin.assurance]:
        return Code.DOWNGRADE_ROOT
    if pin.workflow and pin.workflow == found.workflow:  # same names, other numbers
        return Code.PIN_OWNER
    return Code.PIN_CHANGED
