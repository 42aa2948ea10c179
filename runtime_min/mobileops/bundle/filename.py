"""How the file of a bundle is called: ``NAME-VERSION[-PLATFORM].zip``, its signature beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE_SUFFIX: Final = ".sigstore.json"


def bundle_file_name(name: str, version: str, *, platform: str | None = None) -> str:
    """Return the file name of a bundle; `platform` is a tag such as ``linux_x86_64-cp311``, or None for all."""
    return f"{name}-{version}-{platform}.zip" if platform else f"{name}-{version}.zip"


def signature_path(bundle: Path) -> Path:
    """Return where the signature of the bundle at `bundle` lies."""
    return bundle.with_name(bundle.name + SIGNATURE_SUFFIX)
