"""The trust policy: which roots count, who may publish which names, what is revoked (``trust.json``).

Names match exactly or by a literal prefix (``acme-*``); there are no regular expressions. A rule owns its names: nobody
else may publish them. A name without a rule is trusted on first use: the first verified install pins its signer, and
another signer is refused from then on. Roots are never merged: a private authority can write any issuer into its
certificates, so every rule and every pin says which root has to vouch for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.runtime.trust import policy_file, revocation
from mobileops.runtime.trust.rules import Publisher, Root, Rules
from mobileops.runtime.trust.signer import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOCAL_ROOT: Final = "local"


class TrustPolicy(NamedTuple):
    """Everything the trust decision depends on besides the bundle, the pins and the files of the roots.

    Attributes:
        rules: roots, publishers and revocations.
        where: the file it was read from, for errors.
        sha256: digest of that file, lowercase hex; None for the default policy.
    """

    rules: Rules
    where: str = "the default trust policy"
    sha256: str | None = None

    @classmethod
    def default(cls, *, local_root: Path) -> TrustPolicy:
        """Return the policy of a host without a policy file: the operator's own local instance, and nobody else.

        Args:
            local_root: ``trusted_root.json`` of that instance; it need not exist yet.
        """
        return cls(Rules(roots=(Root(LOCAL_ROOT, "local", local_root, optional=True),)))

    @classmethod
    def load(cls, path: Path, *, local_root: Path, public_root: Path | None = None) -> TrustPolicy:
        """Read a policy file, or return the default when there is none.

        Args:
            path: ``trust.json``; files it names are relative to its folder.
            local_root: ``trusted_root.json`` of the operator's own local instance.
            public_root: the refreshed root of the public Sigstore; None for the one in this package.

        Raises:
            TrustRefused: ``MOP3100`` to ``MOP3105``.
        """
        data = policy_file.read(path)
        if data is None:
            return cls.default(local_root=local_root)
        files = policy_file.Files(path.parent, local_root, public_root or policy_file.SHIPPED_ROOT)
        rules = policy_file.parse(data, path=path, files=files)
        return cls(rules, str(path), hashlib.sha256(data).hexdigest())

    def publisher_of(self, name: str) -> Publisher | None:
        """Return the rule that owns a name: an exact one, else the one with the longest prefix."""
        owners = [publisher for publisher in self.rules.publishers if publisher.weight(name)]
        return max(owners, key=lambda publisher: publisher.weight(name), default=None)

    def refuse_revoked(self, sha256: str, *, signer: Mapping[str, Any], where: str) -> None:
        """Refuse an installed plugin that was revoked since; asked at every start.

        Args:
            sha256: digest of the archive, lowercase hex.
            signer: `Signer.to_dict` in its receipt.
            where: what the refusal is about, for its message.

        Raises:
            TrustRefused: ``MOP3170`` to ``MOP3172``.
        """
        revoked = self.rules.revoked
        revocation.refuse_archive(sha256, revoked, where=where, source=self.where)
        revocation.refuse_signer(Signer.from_receipt(signer), revoked, where=where, source=self.where)
