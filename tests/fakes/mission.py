"""The mission's own text, and the Python in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TEXT: Final = Path(__file__).resolve().parents[1] / "data" / "mission" / "mobileops-plugin-system.md"
BLOCKS: Final = tuple(re.findall(r"^```python\n(.*?)^```", TEXT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


def block(words: str) -> str:
    """Return the one block that contains some words."""
    (found,) = [one for one in BLOCKS if words in one]
    return found
