"""Build a bundle again from its source, and compare."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.bundle import open_bundle, read_overrides
from mobileops.bundle.layout import STORED
from mobileops.errors import MobileOpsError
from mobileops.toolchain.pack import parse_target, plan
from mobileops.toolchain.pipeline.building import Choices, build
from mobileops.toolchain.rebuild import Difference, first_difference

if TYPE_CHECKING:
    from mobileops.bundle import Bundle

_TAG: Final = re.compile(r"-(linux_[a-z0-9_]+-cp3[0-9]+)\.zip$")
OTHER_SOURCE: Final = "MOP2502"


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of building a bundle again.

    Attributes:
        sha256: of the bundle.
        rebuilt_sha256: of the one built from the source.
        difference: the first one, or None: they have the same bytes.
    """

    sha256: str
    rebuilt_sha256: str
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return the form of ``schema/cli/rebuild.v1.schema.json``."""
        difference = None if self.difference is None else self.difference.to_dict()
        return {
            "identical": difference is None,
            "sha256": self.sha256,
            "rebuilt_sha256": self.rebuilt_sha256,
            "difference": difference,
        }


def choices_of(bundle: Bundle) -> Choices:
    """Return what the author of a bundle chose when it was built."""
    stored = all(member.method == STORED for member in bundle.members)
    tag = _TAG.search(bundle.path.name)
    return Choices(stored, frozenset(read_overrides(bundle)), parse_target(tag[1]) if tag else None)


def rebuild(bundle: Path, source: Path) -> Rebuilt:
    """Build the bundle of `source` again, in a folder that is removed afterwards, and compare it with `bundle`.

    The bundle is read strictly and not trusted. The source is not validated: what counts is what was packaged.

    Raises:
        BundleRefused: the bundle is outside the strict profile.
        ManifestError: the manifest of the source has findings.
        PackagingError: something in the source may not be packaged.
        MobileOpsError: the source is that of another plugin (MOP2502).
    """
    with open_bundle(bundle) as original, tempfile.TemporaryDirectory(prefix="mobileops-rebuild-") as folder:
        original.check_members()
        name = plan(source).manifest.name
        if name != original.manifest.name:
            raise MobileOpsError(
                f"the bundle is {original.manifest.name!r}, the source is {name!r}",
                code=OTHER_SOURCE,
                where=str(source),
                why="a bundle is compared with one built from its own source",
                fix="name the folder of the plugin's source after the bundle",
            )
        packed = build(source, Path(folder), choices=choices_of(original))
        with open_bundle(packed.path) as rebuilt:
            rebuilt.check_members()
            return Rebuilt(original.sha256, packed.sha256, first_difference(original, rebuilt))
