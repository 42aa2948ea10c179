"""One case for every code: what is accepted as it is, and the one thing that is tampered with.

A case is a generator: it prepares a stage, yields, and tampers; ``test_classes`` shows that the stage is accepted at
the yield, and refused with the code of the case afterwards. Its words stand in the table of docs/reference/trust.md.
"""

from __future__ import annotations

from tests.unit.runtime.trust.classes import content, policy, signature
from tests.unit.runtime.trust.classes.stage import CASES, Stage

__all__ = ["CASES", "Stage", "content", "policy", "signature"]
