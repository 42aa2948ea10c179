"""Make a real bundle with a real signature, and the trust decision that accepts it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mobileops.runtime.store import Store
from mobileops.runtime.trust import TrustPolicy, VerifiedBundle, verify
from mobileops.toolchain.pack import pack
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.runtime.home import Home
    from mobileops.toolchain.sign import Signer


@dataclasses.dataclass(frozen=True)
class Publisher:
    """An author with a signing instance, publishing to one home."""

    home: Home
    workshop: Path

    def publish(self, name: str = "echo", *, identity: str = "author@localhost", **plugin: Any) -> Path:
        """Write, pack and sign a plugin; return the bundle."""
        return self.publish_as(LocalSigner(LocalInstance.open_or_create(self.home.sigstore), identity), name, **plugin)

    def publish_as(self, signer: Signer, name: str = "echo", **plugin: Any) -> Path:
        """Write and pack a plugin, have any signer sign it, and return the bundle."""
        packed = pack(write_plugin(self.workshop / name, **plugin), self.workshop / "dist")
        sign_bundle(packed.path, signer=signer)
        return packed.path

    def decision(self) -> Callable[[Path, Path], VerifiedBundle]:
        """Return what `Store.install` wants as ``verify``."""
        policy = TrustPolicy.load(self.home.trust_policy, local_root=self.home.sigstore / "trusted_root.json")
        return lambda bundle, signature: verify(
            bundle, policy=policy, pins=Store(self.home).pins(), signature=signature
        )
