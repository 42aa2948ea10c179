"""What a person looks for: words, and filters such as ``type:service``.

::

    data processing type:processing permission:network.http publisher:acme

Words are found at the beginning of the words of name, description, keywords and author; all of them must be there.
``permission:`` finds a permission and what is below it: ``permission:network`` finds ``network.http:api.example.com``.
``publisher:`` finds a part of who signs or wrote it.
"""

from __future__ import annotations

import difflib
import re
from typing import Final, NamedTuple

from mobileops.errors import UsageError

FILTERS: Final = ("type", "permission", "publisher")
_FILTER: Final = re.compile(r"([a-z]+):(.+)")
_WORD: Final = re.compile(r"\w+")


class Query(NamedTuple):
    """A parsed search.

    Attributes:
        words: all of them must begin a word of the plugin's text.
        types, permissions, publishers: one of each that is not empty must fit.
    """

    words: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: list[str]) -> Query:
        """Read what was typed, one text or several.

        Raises:
            UsageError: ``MOP6115``, a filter is unknown.
        """
        words: list[str] = []
        found: dict[str, list[str]] = {name: [] for name in FILTERS}
        for part in " ".join(texts).split():
            match = _FILTER.fullmatch(part)
            if match is None:
                words += _WORD.findall(part.lower())
                continue
            name, value = match.groups()
            if name not in found:
                near = difflib.get_close_matches(name, FILTERS, n=1)
                hint = f"did you mean '{near[0]}:{value}'?" if near else f"filters are {', '.join(FILTERS)}"
                raise UsageError(f"{name + ':'!r} is no filter", code="MOP6115", fix=hint)
            found[name].append(value)
        return cls(tuple(words), *(tuple(found[name]) for name in FILTERS))
