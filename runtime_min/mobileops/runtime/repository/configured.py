"""Which repositories this host uses: ``repositories.json``, or the local one alone when there is no such file.

::

    {"repositories": [{"name": "corp", "url": "https://plugins.example.com/", "plugins": ["corp-*"],
                       "only": true, "max_stale_s": 0}, ...]}

``plugins`` are names, or prefixes that end in ``*``, that the repository owns on this host: such a name is looked for
nowhere else. That, and not an order, is what keeps a stranger's ``corp-billing`` from being taken for the company's
(dependency confusion). With ``only`` the repository is asked for nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from mobileops.errors import NotFoundError, RefusedError, UsageError
from mobileops.runtime import durable
from mobileops.runtime.bounded import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from mobileops.runtime.home import Home

LOCAL: Final = "local"
MAX_CONFIGURATION_BYTES: Final = 1 << 20
MAX_STALE_S: Final = 90 * 86_400
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]*\*?")
_SCHEMES: Final = frozenset({"file", "http", "https"})


class Remote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One repository of this host.

    Attributes:
        name: what it is called here.
        url: of its folder: ``file:``, ``http:`` or ``https:``.
        plugins: names that it owns.
        only: whether it is asked for nothing but those.
        max_stale_s: how long after its expiry its state is still accepted, at most `MAX_STALE_S`.
    """

    name: str
    url: str
    plugins: tuple[str, ...] = ()
    only: bool = False
    max_stale_s: int = 0

    def owns(self, plugin: str) -> bool:
        """Whether a name is one of `plugins`."""
        return any(
            plugin.startswith(pattern[:-1]) if pattern.endswith("*") else plugin == pattern for pattern in self.plugins
        )

    @property
    def folder(self) -> Path | None:
        """The folder of a repository on this disk, None for one on the web."""
        from pathlib import Path  # noqa: PLC0415 - only here
        from urllib.parse import unquote  # noqa: PLC0415 - only here

        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    repositories: list[Remote]


def load(home: Home) -> tuple[Remote, ...]:
    """Return the repositories of a home, in their order.

    Raises:
        RefusedError: ``MOP6112``, the file cannot be used.
    """
    try:
        data = read_regular(home.repositories_file, limit=MAX_CONFIGURATION_BYTES)
        remotes = msgspec.json.decode(data, type=_File).repositories
    except FileNotFoundError:
        return _default(home)
    except (OSError, msgspec.DecodeError) as error:
        raise _damaged(home, str(error)) from error
    for remote in remotes:
        try:
            check(remote)
        except UsageError as error:
            raise _damaged(home, error.what) from error
    if len({remote.name for remote in remotes}) != len(remotes):
        raise _damaged(home, "a name is given twice")
    return tuple(remotes)


def named(home: Home, name: str) -> Remote:
    """Return one of them.

    Raises:
        NotFoundError: ``MOP6100``, there is none of that name.
    """
    remotes = load(home)
    for remote in remotes:
        if remote.name == name:
            return remote
    raise NotFoundError(
        f"no repository is called {name!r}",
        code="MOP6100",
        where=str(home.repositories_file),
        why=f"known are {', '.join(remote.name for remote in remotes) or 'none'}",
        fix="mobileops repo list shows them, mobileops repo add NAME URL adds one",
    )


def save(home: Home, remotes: tuple[Remote, ...]) -> None:
    """Keep the repositories of a home.

    Raises:
        UsageError: ``MOP6113``, one of them cannot be used.
        OSError: the disk refuses.
    """
    for remote in remotes:
        check(remote)
    durable.write(home.repositories_file, msgspec.json.format(msgspec.json.encode(_File(list(remotes)))), mode=0o644)


def check(remote: Remote) -> None:
    """Raise UsageError (``MOP6113``) unless name, address, patterns and bound are in order."""
    scheme = urlsplit(remote.url).scheme
    wrong = None
    if not _NAME.fullmatch(remote.name):
        wrong = f"{remote.name!r} is no name for a repository", "use lowercase letters, digits and hyphens"
    elif scheme not in _SCHEMES:
        wrong = f"{remote.url!r} is no address of a repository", "give a folder, or a URL with file:, http: or https:"
    elif not 0 <= remote.max_stale_s <= MAX_STALE_S:
        wrong = f"{remote.max_stale_s} s is no bound for staleness", f"give 0 to {MAX_STALE_S // 86_400} days"
    for pattern in remote.plugins:
        if not _PATTERN.fullmatch(pattern):
            wrong = f"{pattern!r} is no name of a plugin", "write a name, or a prefix such as 'acme-*'"
    if wrong:
        raise UsageError(wrong[0], code="MOP6113", fix=wrong[1])


def _default(home: Home) -> tuple[Remote, ...]:
    """Return the local repository, if something was ever published there."""
    if not (home.repository / "metadata").is_dir():
        return ()
    return (Remote(name=LOCAL, url=home.repository.as_uri()),)


def _damaged(home: Home, why: str) -> RefusedError:
    return RefusedError(
        f"the list of repositories cannot be used: {why}",
        code="MOP6112",
        where=str(home.repositories_file),
        why="without it nobody knows which repository owns which names",
        fix="restore the file from a copy, or remove it and add the repositories again",
    )
