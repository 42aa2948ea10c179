"""The author's half: scaffold, check, test, package, sign and publish plugins."""

from __future__ import annotations

__version__ = "0.1.0"
