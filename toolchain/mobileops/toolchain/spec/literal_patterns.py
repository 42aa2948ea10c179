r"""Regular expressions of the schema that are a comparison in Python: ``^network\.tcp:`` is ``startswith``."""

from __future__ import annotations

import re
from typing import Final

from mobileops.toolchain.spec.permission_schema import END
from mobileops.toolchain.spec.source_text import literal

_LITERAL: Final = re.compile(r"\^((?:[a-z0-9:-]|\\\.)+)")


def comparison(pattern: str, subject: str) -> str | None:
    """Return the expression that tells whether a pattern is found in what the name `subject` stands for.

    Returns:
        None when only a regular expression can tell.
    """
    match = _LITERAL.match(pattern)
    if match is None:
        return None
    text, rest = literal(match[1].replace("\\", "")), pattern[match.end() :]
    if rest == "":
        return f"{subject}.startswith({text})"
    if rest == END:
        return f"{subject} == {text}"
    if rest == f"?{END}" and match[1].endswith(":"):
        return f"{subject} in ({text[:-2]}{text[-1]}, {text})"
    if rest == f"(?!{END})":
        return f"{subject}.startswith({text}) and {subject} != {text}"
    return None
