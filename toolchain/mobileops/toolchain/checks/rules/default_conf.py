"""config/default.conf, where present, is a readable INI file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import files
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1328"
DEFAULT_CONF: Final = "config/default.conf"
MAX_SAID: Final = 200  # characters of what configparser says; it repeats every line it does not understand


def check(source: Source) -> Iterator[Finding]:
    """Yield one finding if the platform could not read the file."""
    if not files.exists(source.folder, DEFAULT_CONF):
        return
    text = source.read(DEFAULT_CONF)
    if isinstance(text, Unreadable):
        yield _finding(f"{DEFAULT_CONF} {text.reason}")
        return
    from mobileops.plugin import configuration  # noqa: PLC0415 - slow to import, and only this file needs it

    try:
        configuration.layered(text, {}, {})
    except ValueError as error:
        yield _finding(f"{DEFAULT_CONF} is not an INI file: {' '.join(str(error)[:MAX_SAID].split())}")
        return
    try:
        configuration.layered(text, {"configuration_schema": source.mapping_of("configuration_schema")}, {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ValueError):  # else the definitions are wrong, which other rules say
            yield _finding(str(error))


def _finding(what: str) -> Finding:
    return Finding(
        code=CODE,
        what=what,
        where=DEFAULT_CONF,
        why="the platform merges this file under the configuration, with Python's configparser",
        fix="write 'key = value' lines under [plugin], or remove the file",
    )
