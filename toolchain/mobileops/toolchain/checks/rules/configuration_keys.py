"""Each key of config/default.conf is one that the manifest knows, and is not overridden there by another value."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1329"
DEFAULT_CONF: Final = "config/default.conf"
MAX_KEYS: Final = 1000  # looked at, of what may be a hostile file
MAX_SUGGESTIONS: Final = 10  # comparing spellings is slow


def check(source: Source) -> Iterator[Finding]:
    """Yield a finding for each key without effect.

    A manifest without ``configuration_schema`` leaves the keys of the file open; then only overridden keys are found.
    """
    if not files.exists(source.folder, DEFAULT_CONF):
        return
    text = source.read(DEFAULT_CONF)
    if isinstance(text, Unreadable):
        return  # the rule about the file itself says so
    import difflib  # noqa: PLC0415 - slow to import, like the next, and only this file needs it

    from mobileops.plugin import configuration  # noqa: PLC0415 - as above

    try:
        values = configuration.layered(text, {}, {})
    except ValueError:
        return  # likewise
    given, schema = source.mapping_of("configuration"), source.mapping_of("configuration_schema")
    known = [*given, *schema]
    suggestions_left = MAX_SUGGESTIONS
    for key, value in itertools.islice(values.items(), MAX_KEYS):
        if key in given:
            yield from _overridden(key, value, given[key])
        elif schema and key not in schema:
            near = difflib.get_close_matches(key, known, n=1) if suggestions_left > 0 else []
            suggestions_left -= 1
            yield Finding(
                code=CODE,
                what=f"{DEFAULT_CONF} sets {key[:80]!r}, which the manifest does not know",
                where=DEFAULT_CONF,
                why="the manifest has a configuration_schema, and the key is not in it",
                fix=f"did you mean {near[0]!r}?" if near else "declare it in configuration_schema",
            )


def _overridden(key: str, value: object, winner: object) -> Iterator[Finding]:
    if str(value).casefold() == str(winner).casefold() or (isinstance(winner, float) and str(value) == f"{winner:g}"):
        return
    yield Finding(
        code=CODE,
        what=f"{DEFAULT_CONF} sets {key!r}, but the manifest has another value for it",  # which may be secret
        where=DEFAULT_CONF,
        why="the manifest's 'configuration' is merged over the file, so the value here is never used",
        fix="keep the value in one of the two",
        severity="warning",
    )
