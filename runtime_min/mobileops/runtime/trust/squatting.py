"""Refuse a name that nobody owns but that a person would take for one that a publisher rule owns.

Two names look alike if they fold to the same text: digits and letters of one shape are one (``0`` and ``o``; ``1``,
``i`` and ``l``; ``5`` and ``s``; ``rn`` and ``m``; ``vv`` and ``w``), and hyphens do not count. For a prefix, the
hyphen at its end does count, or the rule ``a-*`` would own every name that begins with ``a``. The bare prefix without
its hyphen (``acme`` for ``acme-*``) looks like the publisher itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.runtime.trust.rules import Publisher

_SHAPES: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s"})


def imitated(name: str, publishers: Iterable[Publisher]) -> str | None:
    """Return the pattern of a rule that a name looks like, or None.

    Args:
        name: a name that no rule owns.
        publishers: the rules.
    """
    return next(
        (pattern for publisher in publishers for pattern in publisher.plugins if _looks_like(name, pattern)), None
    )


def _looks_like(name: str, pattern: str) -> bool:
    if not pattern.endswith("*"):
        return shape(name) == shape(pattern)
    prefix = pattern[:-1]
    if not shape(prefix):
        return False
    return shape(name) == shape(prefix) or _shapes(name).startswith(_shapes(prefix))


def _shapes(text: str) -> str:
    """Return a text with one letter for each shape and single hyphens."""
    return re.sub(r"-+", "-", text.translate(_SHAPES).replace("rn", "m").replace("vv", "w"))


def shape(text: str) -> str:
    """Return what a person sees of a name: names of one shape look alike."""
    return _shapes(text.replace("-", ""))
