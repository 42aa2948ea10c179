"""What a new version of a plugin changes for those who have the old one, from two bundles that nobody has to trust."""

from __future__ import annotations

from mobileops.runtime.comparison.comparison import Comparison, compare
from mobileops.toolchain.compare.report import markdown, text

__all__ = ["Comparison", "compare", "markdown", "text"]
