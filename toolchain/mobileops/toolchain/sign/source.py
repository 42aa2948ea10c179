"""Read from git what a plugin's folder is a state of, without running anything that the repository brings.

A repository can name programs that git runs while it only looks: hooks, file system monitors, content filters,
submodules with such things of their own. None of them is run: see the settings below (git-config(1), gitattributes(5)).
They are handed over in the environment, because a name with ``=`` in it would be misread behind ``-c``.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from mobileops.toolchain.sign.statement import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

TIMEOUT_S: Final = 30.0
MAX_FILTERS: Final = 100
NO_PROGRAMS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",  # else git writes one
    "protocol.allow": "never",
}
ENVIRONMENT: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
INHERITED: Final = ("PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID")
"""What decides which git is found, and whether its user has called the folder safe (``safe.directory``)."""
OUTPUT_FOLDERS: Final = ("dist", "build")
"""Where a packer puts what it makes; nothing in there goes into a bundle, so it makes no source dirty."""

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FILTER: Final = re.compile(r"filter\.(.+)\.[^.]+", re.DOTALL)
_SCP_STYLE: Final = re.compile(r"(?:[^@/:\s]+@)?([^/:@\s]+):(?!//)(\S+)")
_IGNORED: Final = "!!"
_STATUS_CHARACTERS: Final = 3
_STATUS: Final = (
    "status",
    "--porcelain=v1",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    "--ignored=matching",
    "--ignore-submodules=dirty",
)


def describe(folder: Path, *, packed: Collection[str], environment: Mapping[str, str]) -> Source | None:
    """Return what git knows about a folder.

    It is dirty if anything in it differs from the commit; what git is told to ignore counts if it is packed.

    Args:
        folder: of the plugin.
        packed: names of the files that go into the bundle, relative to the folder.
        environment: of the process; only ``INHERITED`` is taken from it.

    Returns:
        None without git, outside a work tree, before the first commit, or without a remote named ``origin``: then
        there is nothing that others could fetch.
    """
    git = _Git(folder, environment)
    try:
        commit = git.say("rev-parse", "--verify", "HEAD^{commit}")
        prefix = git.say("rev-parse", "--show-prefix")
        repository = public_url(git.say("config", "--get", "remote.origin.url"))
        if not _COMMIT.fullmatch(commit) or repository is None:
            return None
        excluded = [f":(exclude){name}" for name in OUTPUT_FOLDERS]
        changes = git.without_filters().say(*_STATUS, "--", ".", *excluded)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return Source(repository, commit, path=prefix.rstrip("/") or ".", dirty=_is_dirty(changes, prefix, packed))


def public_url(remote: str) -> str | None:
    """Return the address of a repository without user and password, None if it is none that others can reach.

    ``git@host:path`` becomes ``ssh://host/path``, so that every result is a URL.
    """
    try:
        parts = urlsplit(remote)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a port that is no number, a bracket without its other half
        return None
    if parts.scheme in {"http", "https", "ssh", "git"} and parts.hostname:
        return urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path, "", ""))
    if found := _SCP_STYLE.fullmatch(remote):
        return f"ssh://{found[1]}/{found[2].lstrip('/')}"
    return None


def _is_dirty(changes: str, prefix: str, packed: Collection[str]) -> bool:
    """Judge the records of git-status(1), porcelain format version 1 with ``-z``: two letters, a space, a path."""
    for record in filter(None, changes.split("\0")):
        path = record[_STATUS_CHARACTERS:].removeprefix(prefix)
        if not record.startswith(_IGNORED):
            return True
        if any(name == path or (path.endswith("/") and name.startswith(path)) for name in packed):
            return True
    return False


class _Git:
    """git in one folder, with nothing of the repository's that runs."""

    def __init__(self, folder: Path, environment: Mapping[str, str], settings: Mapping[str, str] = NO_PROGRAMS) -> None:
        self._folder = folder
        self._inherited = {name: environment[name] for name in INHERITED if name in environment}
        self._settings = settings

    def without_filters(self) -> _Git:
        """Return git with every content filter emptied; a file that needs one then counts as changed."""
        try:
            listed = self.say("config", "-z", "--name-only", "--get-regexp", r"^filter\.")
        except subprocess.CalledProcessError:  # there are none
            return self
        names = {found[1] for name in listed.split("\0") if (found := _FILTER.fullmatch(name))}
        if len(names) > MAX_FILTERS:
            message = f"more than {MAX_FILTERS} content filters"
            raise subprocess.SubprocessError(message)
        empty = {"clean": "", "smudge": "", "process": "", "required": "false"}
        emptied = {f"filter.{name}.{key}": value for name in names for key, value in empty.items()}
        return _Git(self._folder, self._inherited, {**self._settings, **emptied})

    def say(self, *words: str) -> str:
        """Return one command's output without the newline at its end.

        Raises:
            OSError, SubprocessError: there is no git, it says no, or takes too long.
        """
        done = subprocess.run(  # noqa: S603 - a fixed program, its arguments are ours
            ["git", "-C", str(self._folder), *words],  # noqa: S607 - found on the PATH of the caller
            env={**self._inherited, **ENVIRONMENT, **self._handed_over()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=True,
        )
        return done.stdout.decode().rstrip("\n")

    def _handed_over(self) -> dict[str, str]:
        handed = {"GIT_CONFIG_COUNT": str(len(self._settings))}
        for number, (name, value) in enumerate(self._settings.items()):
            handed |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return handed
