"""The proof that a bundle passed every step: a type that only ``verify`` can make."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn, Self, final

from mobileops.runtime.trust.pins import Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.bundle import Bundle
    from mobileops.manifest import Manifest
    from mobileops.runtime.trust.signer import Signer

_TOKEN: Final = object()


@final
class VerifiedBundle:
    """An open bundle whose signature, signer and content were accepted. Close it with ``with``.

    It cannot be made, copied, pickled, subclassed or changed by other code, short of reaching into this module.

    Attributes:
        bundle: still open, on the descriptor through which everything was checked.
        sha256: digest of the archive, lowercase hex.
        signer: who signed it.
        signature: bytes of the signature file, for the receipt.
        anchors: path -> SHA-256 of every file of a root that was read; None for one that is not there.
    """

    __slots__ = ("anchors", "bundle", "sha256", "signature", "signer")

    bundle: Bundle
    sha256: str
    signer: Signer
    signature: bytes
    anchors: Mapping[str, str | None]

    def __init__(
        self, token: object, *, bundle: Bundle, signer: Signer, signature: bytes, anchors: Mapping[str, str | None]
    ) -> None:
        if token is not _TOKEN:
            message = "only mobileops.runtime.trust.verify() makes a VerifiedBundle"
            raise TypeError(message)
        given = {
            "bundle": bundle,
            "sha256": bundle.sha256,
            "signer": signer,
            "signature": signature,
            "anchors": MappingProxyType(dict(anchors)),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    def __init_subclass__(cls) -> None:
        message = "a subclass could skip the verification"
        raise TypeError(message)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        message = f"a VerifiedBundle does not change: {name}"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> NoReturn:
        message = f"a VerifiedBundle does not change: {name}"
        raise AttributeError(message)

    def __reduce__(self) -> NoReturn:
        message = "a VerifiedBundle cannot be copied or pickled: verify again"
        raise TypeError(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bundle.close()

    @property
    def manifest(self) -> Manifest:
        """Return the manifest inside, which the signer signed."""
        return self.bundle.manifest

    @property
    def pin(self) -> Pin:
        """Return what trust on first use records about the signer."""
        return Pin.of(self.signer)


def make(*, bundle: Bundle, signer: Signer, signature: bytes, anchors: Mapping[str, str | None]) -> VerifiedBundle:
    """Make the proof; ``verification.verify`` is the one caller."""
    return VerifiedBundle(_TOKEN, bundle=bundle, signer=signer, signature=signature, anchors=anchors)
