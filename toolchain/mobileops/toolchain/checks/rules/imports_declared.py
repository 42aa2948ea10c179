"""Every module that the code imports comes from somewhere: the plugin, the SDK, Python, or a declared dependency."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from mobileops.errors import Finding
from mobileops.toolchain.checks import modules
from mobileops.toolchain.checks.distributions import name_of
from mobileops.toolchain.checks.files import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.checks.imports import Import
    from mobileops.toolchain.checks.modules import Resolution
    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1331"
REQUIREMENTS: Final = "requirements.txt"
MAX_FINDINGS: Final = 50
MAX_LINES: Final = 10_000  # of requirements.txt
MAX_NAMED: Final = 3  # dependencies named in one message


def check(source: Source) -> Iterator[Finding]:
    """Yield one finding for each such module, at its first import.

    An import whose failure the code handles, or that is under a condition, is never a finding. It is an error only
    when it must fail: it runs whenever the plugin or a hook starts, and every dependency is known not to bring the
    module. Anything less certain is a warning, because a package may bring modules of any name.
    """
    resolution = source.once(modules.resolve)
    start = modules.needed_at_start(source)
    locked = _locked(source)
    wanting = (top for top, by in resolution.brought.items() if not by)
    found = (_finding(source, top, resolution, start, locked) for top in wanting)
    yield from itertools.islice(filter(None, found), MAX_FINDINGS)


def _finding(
    source: Source, top: str, resolution: Resolution, start: frozenset[str], locked: frozenset[str]
) -> Finding | None:
    places = [place for place in resolution.places[top] if place[1].when != "maybe"]
    if not places:
        return None
    fatal = [(name, imported) for name, imported in places if imported.when == "start" and name in start]
    name, imported = (fatal or places)[0]
    by_way_of = next((pin for pin in sorted(locked) if source.distributions.brings(pin, imported.module)), None)
    unknown = sorted(resolution.unknown)[:MAX_NAMED]
    if by_way_of:
        why = f"{REQUIREMENTS} has {by_way_of!r} only because another dependency needs it today"
        fix = f"add {by_way_of!r} to 'dependencies', then run 'mobileops lock'"
    elif unknown:
        why = f"it may come from {' or '.join(map(repr, unknown))}, whose modules are not known here"
        fix = "install the dependencies into .venv beside the manifest and check again, or declare the package"
    else:
        why = "in its sandbox a plugin has Python's own modules, the SDK, its own files and its dependencies"
        fix = f"add the package that brings {top!r} to 'dependencies', then run 'mobileops lock'"
    severity = "error" if fatal and not by_way_of and not unknown else "warning"
    return Finding(CODE, _what(top, imported, places), source.where(name, imported.spot), why, fix, severity)


def _what(top: str, imported: Import, places: list[tuple[str, Import]]) -> str:
    more = f" (and in {len(places) - 1} more places)" if len(places) > 1 else ""
    return f"module {(imported.module or top)[:80]!r} is imported, but no dependency is declared for it{more}"


def _locked(source: Source) -> frozenset[str]:
    text = source.read(REQUIREMENTS)
    if isinstance(text, Unreadable):
        return frozenset()
    lines = (line for line in text.splitlines()[:MAX_LINES] if re.match(r"[A-Za-z0-9]", line))
    return frozenset(filter(None, map(name_of, lines)))
