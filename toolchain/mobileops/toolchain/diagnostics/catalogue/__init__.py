"""What each code means, offline: one TOML file for each area, one table for each code.

::

    [MOP1009]
    title = "a comma after the last item"
    why = "the rule behind it, and its source"
    fix = "what to do, imperative"
    before = '"a": 1,}'        # optional: an example, and how it is right
    after = '"a": 1}'
    severity = "warning"       # optional: "error" otherwise
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE_UNKNOWN: Final = "MOP7020"
_FOLDER: Final = Path(__file__).resolve().parent
_PREFIX: Final = "MOP"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """The explanation of one code.

    Attributes:
        code: such as ``MOP1009``.
        title: what is wrong, in a few words.
        why: the rule behind it.
        fix: what to do, imperative.
        before: example of the mistake, or None.
        after: the example corrected, or None.
        severity: ``error``, or ``warning`` for what does not stop packaging.
    """

    code: str
    title: str
    why: str
    fix: str
    before: str | None = None
    after: str | None = None
    severity: str = "error"


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Return code -> entry, in the order of the codes."""
    found: dict[str, Entry] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for code, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if code in found:
                message = f"{path.name} explains {code} a second time"
                raise ValueError(message)
            found[code] = Entry(code=code, **table)
    return dict(sorted(found.items()))


def explain(code: str) -> Entry:
    """Return the explanation of a code, written in any case and with or without its prefix.

    Raises:
        NotFoundError: there is no such code (``MOP7020``).
    """
    word = code.strip().upper()
    wanted = word if word.startswith(_PREFIX) else f"{_PREFIX}{word}"
    entry = entries().get(wanted)
    if entry is None:
        near = difflib.get_close_matches(wanted, list(entries()), n=3)
        raise NotFoundError(
            f"no code {code[:40]!r}",
            code=CODE_UNKNOWN,
            why="codes are MOP and four digits, as findings and errors show them",
            fix=f"did you mean {' or '.join(map(repr, near))}?" if near else "mobileops explain lists all codes",
        )
    return entry
