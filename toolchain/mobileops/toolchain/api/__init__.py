"""What a plugin offers to others, read from its source without running it: ``.mobileops/api.json``."""

from __future__ import annotations

from mobileops.toolchain.api.document import describe, describe_files

__all__ = ["describe", "describe_files"]
