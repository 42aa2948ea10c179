"""The plugin manager: everything a device needs to verify, sandbox and run plugins."""

from __future__ import annotations

__version__ = "0.1.0"
