"""The trust policy: which roots count, who may publish which names, what is revoked (``trust.json``).

Names match exactly or by a literal prefix (``acme-*``); there are no regular expressions. A rule owns its names: nobody
else may publish them. A name without a rule is trusted on first use: the first verified install pins its signer, and
another signer is refused from then on. Roots are never merged: a private authority can write any issuer into its
certificates, so every rule and every pin says which root has to vouch for it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.runtime.trust import policy_file
from mobileops.runtime.trust.codes import Code, refuse
from mobileops.runtime.trust.rules import Assurance, Publisher, Root, Rules

if TYPE_CHECKING:
    from pathlib import Path

LOCAL_ROOT: Final = "local"


@dataclasses.dataclass(frozen=True, slots=True)
class Signer:
    """Who made a signature that holds.

    Attributes:
        root: name of the root in the policy.
        assurance: assurance of that root.
        issuer: URL of whoever vouched for the identity.
        identity: e-mail address or URI.
    """

    root: str
    assurance: Assurance
    issuer: str
    identity: str

    def to_dict(self) -> dict[str, str]:
        """Return plain values, for receipts and ``--json``."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """The signer that the first install of a name recorded: ``Pin.from_dict(p.to_dict()) == p``."""

    root: str
    issuer: str
    identity: str

    @classmethod
    def of(cls, signer: Signer) -> Pin:
        """Return what trust on first use records of a signer."""
        return cls(signer.root, signer.issuer, signer.identity)

    def to_dict(self) -> dict[str, str]:
        """Return plain values for the state of the host."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: object) -> Pin:
        """Read what ``to_dict`` wrote.

        Raises:
            TrustRefused: ``MOP3107``, the value is something else.
        """
        keys = {field.name for field in dataclasses.fields(cls)}
        if isinstance(value, dict) and set(value) == keys and all(isinstance(item, str) for item in value.values()):
            return cls(**value)
        raise refuse(
            Code.PIN_MALFORMED,
            "the pin of a signer is damaged",
            why=f"a pin has the keys {', '.join(sorted(keys))}, all strings",
            fix="restore the host's state from a copy",
        )


@dataclasses.dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Everything the trust decision depends on besides the bundle and the pins.

    Attributes:
        rules: roots, publishers and revocations.
        where: the file it was read from, for errors.
    """

    rules: Rules
    where: str = "the default trust policy"

    @classmethod
    def default(cls, *, local_root: Path) -> TrustPolicy:
        """Return the policy of a host without a policy file: the operator's own local instance, and nobody else.

        Args:
            local_root: ``trusted_root.json`` of that instance; it need not exist yet.
        """
        return cls(Rules(roots=(Root(LOCAL_ROOT, local_root, "local", optional=True),)))

    @classmethod
    def load(cls, path: Path, *, local_root: Path) -> TrustPolicy:
        """Read a policy file, or return the default when there is none.

        Args:
            path: ``trust.json``; files it names are relative to its folder.
            local_root: ``trusted_root.json`` of the operator's own local instance.

        Raises:
            TrustRefused: ``MOP3100`` to ``MOP3105``.
        """
        data = policy_file.read(path)
        if data is None:
            return cls.default(local_root=local_root)
        return cls(policy_file.parse(data, path=path, local_root=local_root), str(path))

    def publisher_of(self, name: str) -> Publisher | None:
        """Return the rule that owns a name: an exact one, else the one with the longest prefix."""
        owners = [publisher for publisher in self.rules.publishers if publisher.weight(name)]
        return max(owners, key=lambda publisher: publisher.weight(name), default=None)

    def refuse_revoked(self, sha256: str, *, where: str | Path) -> None:
        """Refuse an archive that was revoked; asked at verification, and again at every start.

        Args:
            sha256: digest of the archive, lowercase hex.
            where: what the refusal is about, for its message.

        Raises:
            TrustRefused: ``MOP3170``.
        """
        if sha256 in self.rules.revoked_sha256:
            raise refuse(
                Code.REVOKED,
                f"the bundle {sha256} is revoked",
                where=where,
                why=f"it is listed under revoked.sha256 in {self.where}",
                fix="install another version",
            )
