"""What a new version of a plugin changes for those who have the old one: shown by ``diff``, asked about by upgrades."""

from __future__ import annotations

from mobileops.runtime.comparison.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
