"""Who made a signature that holds."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.trust.rules import Assurance

GITHUB: Final = "https://github.com/"


class Signer(NamedTuple):
    """Who made a signature that holds.

    Attributes:
        root: name of the root in the policy.
        assurance: assurance of that root.
        issuer: URL of whoever vouched for the identity; None for a key.
        identity: e-mail address or URI; None for a key.
        key_hint: for a key, base64 of the SHA-256 of its SubjectPublicKeyInfo.
        claims: what the issuer said about the build, by the names in ``certificate.CLAIMS``.
        signed_at: latest time that a verified source states, RFC 3339 in UTC; None for a key.
    """

    root: str
    assurance: Assurance
    issuer: str | None = None
    identity: str | None = None
    key_hint: str | None = None
    claims: Mapping[str, str] = MappingProxyType({})
    signed_at: str | None = None

    @classmethod
    def from_receipt(cls, values: Mapping[str, Any]) -> Self:
        """Return the signer that a receipt names: what ``to_dict`` left out, and what it does not know, is ignored."""
        known = values.keys() & set(cls._fields)
        return cls(**{"root": "", "assurance": "local", **{key: values[key] for key in known}})

    def to_dict(self) -> dict[str, object]:
        """Return plain values, for receipts and ``--json``; what does not apply is left out."""
        return {key: value for key, value in self._asdict().items() if value not in (None, {})}

    @property
    def summary(self) -> str:
        """Who signed, in one line."""
        if self.key_hint is not None:
            return f"the key {self.key_hint}, root {self.root}"
        built = ", ".join(f"{name} {value}" for name, value in self.claims.items())
        return f"{self.identity}, vouched for by {self.issuer}, root {self.root}" + (f" ({built})" if built else "")

    @property
    def repository(self) -> str | None:
        """``OWNER/NAME`` of a repository on GitHub, the whole URI of one elsewhere."""
        uri = self.claims.get("source_repository_uri")
        return uri.removeprefix(GITHUB) if uri else None

    @property
    def repository_id(self) -> str | None:
        """Number of the repository."""
        return self.claims.get("source_repository_identifier")

    @property
    def owner_id(self) -> str | None:
        """Number of the repository's owner."""
        return self.claims.get("source_repository_owner_identifier")

    @property
    def ref(self) -> str | None:
        """Branch or tag that was built."""
        return self.claims.get("source_repository_ref")

    @property
    def trigger(self) -> str | None:
        """Event that started the build."""
        return self.claims.get("build_trigger")

    @property
    def workflow_uri(self) -> str | None:
        """URI of the workflow that was started, without its ref."""
        return self.claims.get("build_config_uri", "").rpartition("@")[0] or None

    @property
    def workflow(self) -> str | None:
        """Path of that workflow in the repository; None if it lies in another one."""
        uri, repository = self.workflow_uri, self.claims.get("source_repository_uri")
        if not uri or not repository or not uri.startswith(f"{repository}/"):
            return None
        return uri.removeprefix(f"{repository}/").lstrip("/")
