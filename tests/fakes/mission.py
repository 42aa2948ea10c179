"""The mission's own text, and the Python in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TEXT: Final = Path(__file__).resolve().parents[1] / "data" / "mission" / "mobileops-plugin-system.md"


def blocks(language: str) -> list[str]:
    """Return every block of a language, in the order of the text."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


BLOCKS: Final = tuple(blocks("python"))


def block(words: str, *, language: str = "python") -> str:
    """Return the one block that contains some words."""
    (found,) = [one for one in blocks(language) if words in one]
    return found
