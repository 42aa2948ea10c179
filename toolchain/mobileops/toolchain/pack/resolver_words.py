"""Say in one screen why uv could not resolve or install: what, the chain that leads there, what to do.

uv's own explanation (the derivation of PubGrub, the algorithm it resolves with) is kept as the reason, without what
follows from it alone; its kind decides the code and the advice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from mobileops.errors import HostFault
from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINES: Final = 12
MAX_LINE_CHARACTERS: Final = 300
_BOX: Final = re.compile(r"^[^\w(`']*(?:(?:error|cause|warning):\s*)?")
_EMPTY_WORDS: Final = re.compile(r",? (?:we can conclude that )?your requirements are unsatisfiable\.?$")
_UNKNOWN: Final = re.compile(r"Because (\S+) was not found in the (?:package registry|provided package locations)")
_NO_VERSION: Final = re.compile(r"there (?:is|are) no versions? of (\S+)")
_NO_WHEEL: Final = re.compile(
    r"(\S+) (?:has no (?:usable )?wheels?|has no source distribution|cannot be (?:built|used) because)"
    r"|no wheels? (?:with|for)|[Bb]uilding .*is disabled|only[- ]binary"
)
_PYTHON: Final = re.compile(r"(\S+) (?:depends on|requires) Python ?([<>=!~0-9.,*]+[0-9*])")
_HASH: Final = re.compile(r"[Hh]ash mismatch|hash(?:es)? (?:did|do) not match|In `--require-hashes` mode")
_NETWORK: Final = re.compile(
    r"Failed to fetch|error sending request|dns error|network was disabled|Connection refused|timed out"
    r"|not found in the cache"
)


def explain(stderr: str, *, code: PackCode, what: str, dependencies: Sequence[str] = ()) -> NoReturn:
    """Raise the error that says what uv said.

    Args:
        stderr: of uv.
        code: when the kind of failure is not known.
        what: the error's line, completed with the cause.
        dependencies: of the plugin (PEP 508), for the advice.

    Raises:
        PackagingError: ``MOP2470`` to ``MOP2473``, or `code`.
        HostFault: the package index was not reached (MOP2474).
    """
    chain = _chain(stderr)
    why = "\n       ".join(chain) or "uv gave no reason"
    text = " ".join(chain)
    where = "plugin.json#/dependencies"
    if _NETWORK.search(text):
        fix = "check the network; what was locked and installed here before needs none"
        raise HostFault(f"{what}: the package index was not reached", code=PackCode.NO_INDEX.value, why=why, fix=fix)
    if unknown := _UNKNOWN.search(text):
        fix = "check the spelling: the name is the one to 'pip install', not the one to import"
        fail(PackCode.UNKNOWN_PACKAGE, f"{what}: there is no package {unknown[1]!r}", where=where, why=why, fix=fix)
    if python := _PYTHON.search(text):
        fix = f"set compatibility.python_version to '{python[2]}', or take another version of {_name(python[1])}"
        what = f"{what}: {python[1]} needs Python {python[2]}"
        fail(PackCode.PYTHON_CONFLICT, what, where=where, why=why, fix=fix)
    if wheel := _NO_WHEEL.search(text):
        subject = f"{wheel[1]} has no wheel that fits" if wheel[1] else "a package has no wheel that fits"
        fix = "lock for other platforms (--platform), take another version, or build from source with --allow-sdist"
        fail(PackCode.NO_WHEEL, f"{what}: {subject}", where=where, why=why, fix=fix)
    if version := _NO_VERSION.search(text):
        fix = f"ask for a version of {_name(version[1])} that exists"
        fail(PackCode.CONFLICT, f"{what}: there is no {version[1]}", where=where, why=why, fix=fix)
    if "require" in text and not _HASH.search(text):
        asked = [name for name in sorted(map(_name, dependencies)) if re.search(rf"\b{re.escape(name)}\b", text)]
        fix = f"relax {' or '.join(asked) or 'one of them'} in 'dependencies', then run 'mobileops lock' again"
        fail(PackCode.CONFLICT, f"{what}: they contradict each other", where=where, why=why, fix=fix)
    fail(code, what, why=why, fix="read what uv says above; change 'dependencies' or run 'mobileops lock' again")


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~;\[ @]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _chain(stderr: str) -> list[str]:
    """Return uv's sentences, one a line, without frames, hints and the conclusion that there is none."""
    body = re.split(r"^\s*hint:", stderr, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [_BOX.sub("", line).strip() for line in body.splitlines()]
    sentences = " ".join(line for line in lines if line and not line.startswith("No solution found"))
    found = [_EMPTY_WORDS.sub("", one.strip()) for one in re.split(r"(?<=[.!]) (?=And |Because |So, )", sentences)]
    shown = [one[:MAX_LINE_CHARACTERS] for one in found if one]
    return (
        shown
        if len(shown) <= MAX_LINES
        else [*shown[: MAX_LINES - 1], f"… and {len(shown) - MAX_LINES + 1} more steps"]
    )
