"""Plugin repositories, as commands name and open them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mobileops.errors import HostFault, MobileOpsError, UsageError
from mobileops.runtime.repository import configured
from mobileops.runtime.repository.configured import LOCAL, Remote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.repository.query import Query
    from mobileops.runtime.repository.search_log import Record
    from mobileops.runtime.repository.sources import Sources
    from mobileops.toolchain.repository.keys import Keyring


class Written(NamedTuple):
    """A repository that this account may be able to write.

    Attributes:
        folder: of it.
        keys: of this account.
    """

    folder: Path
    keys: Keyring


def repository_option(parser: Parser) -> None:
    """Add ``--repository``."""
    parser.add_argument(
        "--repository", metavar="NAME|FOLDER", help="which one to write; default: the local one, made when missing"
    )


def open_sources(home: Home, console: Console) -> Sources:
    """Return the repositories of this host; those that this account signs are signed anew before they expire.

    Raises:
        RefusedError: ``MOP6112``, the list of repositories cannot be used.
    """
    from mobileops.runtime.repository import sources  # noqa: PLC0415  tuf is optional, and slow to import

    remotes = configured.load(home)
    for remote in remotes:
        if remote.folder == home.repository:
            sources.trust_local(home, remote)
        if remote.folder is not None:
            _renew(home, remote.folder, console)
    return sources.Sources(home, remotes)


def look_into(sources: Sources, query: Query, console: Console, *, limit: int) -> list[tuple[str, Record]]:
    """Return what fits in each repository, with its name; one that cannot be reached is told and left out.

    Raises:
        HostFault: none can be reached.
        RefusedError: one of them cannot prove what it says.
    """
    from mobileops.runtime.repository.search import Index  # noqa: PLC0415  a mistyped filter needs no database

    found: list[tuple[str, Record]] = []
    faults: list[HostFault] = []
    for name, client in sources.clients.items():
        index = Index(client)
        try:
            index.update()
            found += [(name, record) for record in index.search(query, limit=limit)]
        except HostFault as fault:
            faults.append(fault)
    if faults and len(faults) == len(sources.clients):
        raise faults[0]
    for one in faults:
        console.note(f"warning: {one.what} [{one.code}]")
    warn_stale(sources, console)
    return found


def warn_stale(sources: Sources, console: Console) -> None:
    """Say which repositories were used although their state has expired."""
    for name, since in sources.stale().items():
        console.note(
            f"warning: the repository {name!r} has not been signed anew since it expired at {since.isoformat()}: "
            "what was published or yanked later is not known here"
        )


def written(home: Home, word: str | None) -> Written:
    """Return the repository to write that a word names: a configured one, a folder, or the local one for no word.

    Raises:
        UsageError: ``MOP6131``, it is on the web.
        NotFoundError: ``MOP6100``, no repository has that name.
    """
    from mobileops.toolchain.repository.keys import Keyring  # noqa: PLC0415  only writing needs it

    keys = Keyring(home.repository_keys)
    if word is not None and ("/" in word or word in {".", ".."}):
        return Written(Path(word).absolute(), keys)
    remote = _local(home) if word in {None, LOCAL} else configured.named(home, str(word))
    if remote.folder is None:
        raise UsageError(
            f"the repository {remote.name!r} is on the web and cannot be written from here",
            code="MOP6131",
            where=remote.url,
            why="a repository is written where its folder is, and served by any web server",
            fix="publish to a folder with --repository FOLDER, and copy that to the server",
        )
    return Written(remote.folder, keys)


def prepared(home: Home, word: str | None, console: Console) -> Written:
    """Return `written`, with the local repository made if it was not there yet."""
    from mobileops.toolchain.repository.creation import create  # noqa: PLC0415  only writing needs it

    target = written(home, word)
    if target.folder == home.repository and create(target.folder, target.keys):
        adopt_local(home)
        console.note(f"made a repository in {target.folder}; its keys are in {target.keys.folder}")
    return target


def adopt_local(home: Home) -> None:
    """Use the local repository that was made just now, beside the others; one that was there before had other keys."""
    forget(home, LOCAL)
    remotes = configured.load(home)
    if all(remote.name != LOCAL for remote in remotes):
        configured.save(home, (*remotes, _local(home)))


def forget(home: Home, name: str) -> None:
    """Remove what this host has verified of a repository, and its root with it."""
    from shutil import rmtree  # noqa: PLC0415  only here

    rmtree(home.repositories / name, ignore_errors=True)


def shown(remote: Remote) -> dict[str, Any]:
    """Return what is said of a repository for programs, as schema/cli/repo.v1.schema.json describes."""
    return {
        "name": remote.name,
        "url": remote.url,
        "plugins": list(remote.plugins),
        "only": remote.only,
        "max_stale_days": remote.max_stale_s // 86_400,
    }


def _local(home: Home) -> Remote:
    remotes: Iterator[Remote] = (remote for remote in configured.load(home) if remote.name == LOCAL)
    return next(remotes, Remote(name=LOCAL, url=home.repository.as_uri()))


def _renew(home: Home, folder: Path, console: Console) -> None:
    """Sign a repository anew when it is time and this account can; whoever only reads is not disturbed by a failure."""
    if not home.repository_keys.is_dir():
        return
    try:
        from mobileops.toolchain.repository.keys import Keyring  # noqa: PLC0415  the toolchain may be absent
        from mobileops.toolchain.repository.renewal import renew_if_due  # noqa: PLC0415  likewise
    except ModuleNotFoundError:
        return
    try:
        if renew_if_due(folder, Keyring(home.repository_keys)):
            console.note(f"signed the repository in {folder} anew")
    except MobileOpsError as error:
        console.note(f"warning: {error.what}")
