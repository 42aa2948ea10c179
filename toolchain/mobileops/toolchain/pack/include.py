"""Which files of a source folder go into a bundle, and why the others do not.

A file goes in unless one of these says no, in this order: a folder above it is for development only, its own name is
(both of them known to `mobileops.toolchain.leftovers`), or a line of ``.pluginignore`` (gitignore syntax) matches.
``.pluginignore`` can exclude more but never include again what the first two exclude: nobody ships a key because of a
stray ``!*``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from mobileops.toolchain import leftovers
from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from pathlib import Path

IGNORE_FILE: Final = ".pluginignore"
MAX_IGNORE_BYTES: Final = 1 << 20


class IgnoreRules(Protocol):
    """Says which line of ``.pluginignore``, if any, excludes a file."""

    def reason(self, name: str) -> str | None:
        """Return why the file `name` (relative POSIX path) is excluded, or None."""
        ...


class NoRules:
    """There is no ``.pluginignore``."""

    def reason(self, name: str) -> str | None:  # noqa: ARG002 - the shape of IgnoreRules
        """Exclude nothing."""
        return None


class FileRules:
    """The lines of a ``.pluginignore``.

    Args:
        text: the content of the file.
    """

    def __init__(self, text: str) -> None:
        import pathspec  # noqa: PLC0415 - costs more than packing a small plugin, and most have no such file

        self._lines = text.splitlines()
        self._spec = pathspec.GitIgnoreSpec.from_lines(self._lines)

    def reason(self, name: str) -> str | None:
        """Return the line that excludes `name`, or None."""
        result = self._spec.check_file(name)
        if not result.include or result.index is None:
            return None
        return f"{IGNORE_FILE}:{result.index + 1}: {self._lines[result.index]}"


def load_rules(source: Path) -> IgnoreRules:
    """Return the rules of the ``.pluginignore`` in the folder `source`, if there is one."""
    path = source / IGNORE_FILE
    fix = f"make {IGNORE_FILE} a UTF-8 text file in gitignore syntax"
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_IGNORE_BYTES + 1)
    except FileNotFoundError:
        return NoRules()
    except OSError as error:
        fail(PackCode.IGNORE, f"{IGNORE_FILE} cannot be read: {error.strerror}", where=str(path), fix=fix, cause=error)
    if len(data) > MAX_IGNORE_BYTES:
        fail(PackCode.IGNORE, f"{IGNORE_FILE} has more than {MAX_IGNORE_BYTES} bytes", where=str(path), fix=fix)
    try:
        return FileRules(data.decode("utf-8"))
    except ValueError as error:
        fail(PackCode.IGNORE, f"{IGNORE_FILE} cannot be understood: {error}", where=str(path), fix=fix, cause=error)


def file_reason(name: str, rules: IgnoreRules, *, plugin: str) -> str | None:
    """Return why the file `name` (relative POSIX path) does not go in, or None.

    Args:
        name: relative to the source folder.
        rules: of the ``.pluginignore``.
        plugin: the name of the plugin, by which its earlier bundles are recognised.
    """
    return leftovers.file_reason(name, plugin=plugin) or rules.reason(name)
