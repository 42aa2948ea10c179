"""``mobileops quickstart``: the whole chain, with the commands a person would type.

Everything lies in one new folder (its own MOBILEOPS_HOME included), so that trying the product changes nothing else
and ``rm -r`` undoes it.
"""

from __future__ import annotations

from mobileops.toolchain.quickstart.steps import Quickstart, Step

__all__ = ["Quickstart", "Step"]
