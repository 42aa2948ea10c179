"""Fetch again what a publisher signed and this host has lost: the very bundle, by its digest, and no other."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from mobileops.errors import NotFoundError
from mobileops.manifest import Version
from mobileops.runtime.store import Accepted, staging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.runtime.installation.offers import Offers
    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.store import Store
    from mobileops.runtime.trust import VerifiedBundle


def fetch_again(
    store: Store, receipt: Receipt, offers: Offers, *, verify: Callable[[Path, Path], VerifiedBundle]
) -> None:
    """Install the bundle of a receipt once more, with the permissions that it had.

    Args:
        store: where it is installed, damaged.
        receipt: of the plugin.
        offers: who may have the bundle.
        verify: makes the trust decision, as for any install.

    Raises:
        NotFoundError: ``MOP6012``, nobody has a bundle of that digest.
        MobileOpsError: it is not trusted (any more), or it cannot be fetched or installed.
    """
    with staging.folder(store.home.staging) as folder:
        path = _the_same(receipt, offers, folder)
        with store.staged(path, verify=verify) as staged:
            store.commit([Accepted(staged, granted=receipt.granted, requested=receipt.requested)])


def _the_same(receipt: Receipt, offers: Offers, folder: Path) -> Path:
    version = Version.parse(receipt.version)
    for one in offers.versions(receipt.name):
        if one.version == version:
            with suppress(NotFoundError):
                path = offers.fetch(receipt.name, version, folder, platform=one.platform)
                with path.open("rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() == receipt.sha256:
                        return path
    raise NotFoundError(
        f"nobody has the bundle that {receipt.name} {receipt.version} was installed from",
        code="MOP6012",
        why=f"its SHA-256 is {receipt.sha256}",
        fix=f"ask its publisher for {receipt.name} {receipt.version}, then: mobileops install FILE",
    )
