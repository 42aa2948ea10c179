"""plugin.json as immutable checked values: strict text, versions, permissions, the manifest itself.

The names are loaded on first use: a command that only checks a manifest does not pay for the value classes, and one
that needs neither pays for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobileops.manifest._checking import check
    from mobileops.manifest._problems import REPEATED, UNKNOWN_KEY
    from mobileops.manifest.json_text import MAX_JSON_BYTES, MAX_JSON_DEPTH, canonical, loads
    from mobileops.manifest.model import Compatibility, Events, Health, Manifest, Resources, parse
    from mobileops.manifest.permissions import Permission, allows, covers
    from mobileops.manifest.versions import Version, VersionRange

__all__ = [
    "MAX_JSON_BYTES",
    "MAX_JSON_DEPTH",
    "REPEATED",
    "UNKNOWN_KEY",
    "Compatibility",
    "Events",
    "Health",
    "Manifest",
    "Permission",
    "Resources",
    "Version",
    "VersionRange",
    "allows",
    "canonical",
    "check",
    "covers",
    "loads",
    "parse",
]

_HOMES = {
    "_checking": ("check",),
    "_problems": ("REPEATED", "UNKNOWN_KEY"),
    "json_text": ("MAX_JSON_BYTES", "MAX_JSON_DEPTH", "canonical", "loads"),
    "model": ("Compatibility", "Events", "Health", "Manifest", "Resources", "parse"),
    "permissions": ("Permission", "allows", "covers"),
    "versions": ("Version", "VersionRange"),
}


def __getattr__(name: str) -> object:
    """Load the module that has a public name (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module  # noqa: PLC0415 - once per name, not once per process

            value: object = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return [*__all__, *globals()]
