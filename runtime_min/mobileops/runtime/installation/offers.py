"""Where versions come from: the seam that repositories fill, and the bundles that were built on this machine."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from mobileops.bundle import open_bundle, signature_path
from mobileops.errors import MobileOpsError, NotFoundError
from mobileops.runtime.repository.document import Candidate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mobileops.bundle import Bundle
    from mobileops.manifest import Version
    from mobileops.runtime.receipts import Receipt, Receipts

BUILT: Final = "built here"
INSTALLED: Final = "installed"
_TAG: Final = re.compile(r"-([a-z0-9_]+-cp[0-9]+)\.zip\Z")


class Offers(Protocol):
    """Which versions there are; `mobileops.runtime.repository.sources.Sources` is one."""

    def versions(self, name: str) -> tuple[Candidate, ...]:
        """Return every version of a plugin, newest first; () when there is none."""
        ...

    def fetch(self, name: str, version: Version, into: Path, *, platform: str | None = None) -> Path:
        """Put a bundle and its signature into a folder, and return the bundle."""
        ...


class Built:
    """The bundles in some folders; what cannot be read as a bundle is no offer.

    Args:
        places: folders to look in.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self._paths: dict[tuple[str, str, str | None], Path] = {}

    def versions(self, name: str) -> tuple[Candidate, ...]:
        """Return what was built under a name, newest version first; of one version the last built."""
        found: dict[tuple[str, str | None], Candidate] = {}
        paths = [path for place in self._places if place.is_dir() for path in place.glob(f"{name}-*.zip")]
        for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
            with suppress(MobileOpsError, OSError), open_bundle(path) as bundle:
                one = of_bundle(bundle)
                if one.name == name:
                    found[str(one.version), one.platform] = one
                    self._paths[name, str(one.version), one.platform] = path
        return tuple(sorted(found.values(), key=lambda one: one.version, reverse=True))

    def fetch(self, name: str, version: Version, into: Path, *, platform: str | None = None) -> Path:
        """Copy a bundle and its signature.

        Raises:
            NotFoundError: ``MOP6040``, it is not there.
        """
        self.versions(name)
        path = self._paths.get((name, str(version), platform)) or self._paths.get((name, str(version), None))
        if path is None:
            raise NotFoundError(
                f"{name} {version} was not built here", code="MOP6040", fix=f"mobileops package {name} builds it"
            )
        shutil.copyfile(path, into / path.name)
        with suppress(FileNotFoundError):
            shutil.copyfile(signature_path(path), signature_path(into / path.name))
        return into / path.name


class Several:
    """The first of several that has a name answers for it, alone: versions of two origins are never mixed."""

    def __init__(self, *offers: Offers) -> None:
        """Ask them in this order."""
        self._offers = offers

    def versions(self, name: str) -> tuple[Candidate, ...]:
        """Return the versions of the first that has any."""
        return next((found for one in self._offers if (found := one.versions(name))), ())

    def fetch(self, name: str, version: Version, into: Path, *, platform: str | None = None) -> Path:
        """Fetch from the first that has the name.

        Raises:
            NotFoundError: ``MOP6040``, none has it.
        """
        for one in self._offers:
            if one.versions(name):
                return one.fetch(name, version, into, platform=platform)
        raise NotFoundError(f"there is no plugin {name!r}", code="MOP6040", fix="mobileops search TEXT looks for one")


def of_bundle(bundle: Bundle) -> Candidate:
    """Return what a bundle says of itself, as an offer."""
    manifest = bundle.manifest
    tag = _TAG.search(bundle.path.name)
    return Candidate(
        name=manifest.name,
        version=manifest.version,
        repository=BUILT,
        platform=tag[1] if tag else None,
        python_version=manifest.compatibility.python_version,
        platform_version=manifest.compatibility.platform_version,
        plugin_dependencies=dict(manifest.plugin_dependencies),
        permissions=tuple(map(str, manifest.permissions)),
        size_bytes=bundle.size_bytes,
        signer={},
        yanked=None,
        deprecated=None,
    )


def of_receipt(receipts: Receipts, receipt: Receipt) -> Candidate:
    """Return an installed version, as an offer: the cheapest of all."""
    manifest = receipts.declared(receipt)
    return Candidate(
        name=receipt.name,
        version=manifest.version,
        repository=INSTALLED,
        platform=None,
        python_version=None,
        platform_version=None,
        plugin_dependencies=dict(manifest.plugin_dependencies),
        permissions=tuple(map(str, manifest.permissions)),
        size_bytes=0,
        signer=receipt.signer,
        yanked=None,
        deprecated=None,
    )
