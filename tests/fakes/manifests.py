"""Manifests that differ in what they ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mobileops.manifest import parse

if TYPE_CHECKING:
    from mobileops.manifest import Manifest


def clock(*permissions: str) -> Manifest:
    """Return the manifest of a service called clock with some permissions."""
    document = {
        "name": "clock",
        "version": "1.2.3",
        "description": "d",
        "author": "a",
        "license": "MIT",
        "type": "service",
        "entry_point": "main.py",
        "permissions": list(permissions),
    }
    return parse(json.dumps(document).encode())
