"""Compare a bundle with one that was rebuilt from its source: where do they part, and what is the likely cause?"""

from __future__ import annotations

from mobileops.toolchain.rebuild.causes import Cause, Verdict
from mobileops.toolchain.rebuild.difference import Difference, first_difference

__all__ = ["Cause", "Difference", "Verdict", "first_difference"]
