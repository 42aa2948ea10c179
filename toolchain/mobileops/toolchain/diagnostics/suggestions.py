"""Say what was probably meant: the file that is there, the version or name in its right form."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from mobileops import manifest

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.errors import Finding
    from mobileops.toolchain.checks.source import Source

MAX_FILES: Final = 2000  # looked at in one folder
MAX_DEPTH: Final = 4
_ABSENT: Final = re.compile(r"(?:entry point|hook|icon|source) '(?P<name>[^']{1,200})' does not exist")
_NEAR: Final = 0.7
MAX_VALUE: Final = 200  # characters of a value that is rewritten


def improved(finding: Finding, source: Source) -> Finding:
    """Return a finding with the remedy that the folder and the document suggest, or as it is."""
    found = _ABSENT.fullmatch(finding.what)
    if found is None:
        return finding if finding.fix else _with_right_form(finding, source)
    ending = PurePosixPath(found["name"]).suffix or ".py"
    near = difflib.get_close_matches(found["name"], _files(source.folder, ending), n=1, cutoff=_NEAR)
    return finding._replace(fix=f"did you mean {near[0]!r}?") if near else finding


def _with_right_form(finding: Finding, source: Source) -> Finding:
    """Return a finding about a version or a name with the value that the author probably meant, if it is right."""
    key = finding.where.rpartition("#/")[2]
    value, rewrite = source.text_of(key), _REWRITES.get(key)
    if value is None or rewrite is None or len(value) > MAX_VALUE:
        return finding
    meant = rewrite(value)
    remaining = manifest.check({**source.manifest.document, key: meant}, where=source.manifest_name)
    if any(other.where == finding.where for other in remaining):
        return finding
    return finding._replace(fix=f"write {meant!r}")


def _as_version(text: str) -> str:
    """Return a text as SemVer where only its form is wrong: a leading v, numbers that are missing, leading zeros."""
    core, mark, rest = text.strip().lstrip("vV").partition("-")
    numbers = [number.lstrip("0") or "0" for number in core.split(".")]
    return ".".join([*numbers, *["0"] * (3 - len(numbers))]) + mark + rest


def _as_name(text: str) -> str:
    """Return a text in lower case, with single hyphens between its words."""
    return "-".join(re.findall("[a-z0-9]+", text.lower()))


_REWRITES: Final = {"version": _as_version, "name": _as_name}


def _files(folder: Path, ending: str) -> list[str]:
    """Return the files of a folder with this ending, as a manifest would name them; hidden folders are left out."""
    found: list[str] = []
    seen = 0
    for parent, folders, names in os.walk(folder):
        relative = os.path.relpath(parent, folder)
        depth = 0 if relative == "." else relative.count(os.sep) + 1
        folders[:] = sorted(name for name in folders if depth < MAX_DEPTH and not name.startswith((".", "__")))
        prefix = "" if depth == 0 else f"{relative.replace(os.sep, '/')}/"
        found += [f"{prefix}{name}" for name in sorted(names) if name.endswith(ending)]
        seen += len(names)
        if seen > MAX_FILES:
            break
    return found
