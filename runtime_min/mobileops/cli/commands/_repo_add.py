"""``mobileops repo add``: use a repository from now on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._repositories import forget, shown
from mobileops.errors import UsageError
from mobileops.runtime.bounded import read_regular
from mobileops.runtime.repository import configured
from mobileops.runtime.repository.configured import Remote
from mobileops.runtime.repository.layout import MAX_ROOT_BYTES

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home

DAY_S: Final = 86_400


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", help="what it is called on this host")
    parser.add_argument("url", help="its folder, or an address with file:, http: or https:")
    parser.add_argument("--plugins", nargs="+", default=[], metavar="NAME", help="names that it owns, like 'acme-*'")
    parser.add_argument("--only", action="store_true", help="use it for those names alone")
    parser.add_argument("--root", type=Path, help="its root.json, from whoever runs it")
    parser.add_argument("--fingerprint", metavar="SHA256", help="of its first root, from whoever runs it")
    parser.add_argument(
        "--max-stale", type=int, default=0, metavar="DAYS", help="accept its state so long after it has expired"
    )
    parser.json_option()
    parser.example("mobileops repo add corp https://plugins.example.com --plugins 'corp-*'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Hold on to its root, read its state once, and write it down."""
    home = console.home()
    remote = Remote(
        name=arguments.name,
        url=_url(arguments.url),
        plugins=tuple(arguments.plugins),
        only=arguments.only,
        max_stale_s=arguments.max_stale * DAY_S,
    )
    configured.check(remote)
    known = configured.load(home)
    if any(one.name == remote.name for one in known):
        raise UsageError(
            f"there is a repository {remote.name!r} already",
            code="MOP6113",
            fix=f"choose another name, or mobileops repo remove {remote.name}",
        )
    fingerprint = _trust(home, remote, arguments)
    configured.save(home, (*known, remote))
    if arguments.json:
        console.json({**shown(remote), "fingerprint": fingerprint})
    else:
        console.print(f"added {remote.name}: {remote.url}")
        if not arguments.root and not arguments.fingerprint:
            console.note(f"its first root has the fingerprint {fingerprint}: compare it with whoever runs it")
    return 0


def _trust(home: Home, remote: Remote, arguments: argparse.Namespace) -> str | None:
    """Hold on to the root; a repository that does not verify from it is not added."""
    from mobileops.runtime.repository.client import Client  # noqa: PLC0415  tuf is optional, and slow to import

    forget(home, remote.name)
    client = Client(remote, home.repositories / remote.name)
    try:
        fingerprint: str | None = None
        if arguments.root:
            client.trust(_read(arguments.root))
        else:
            fingerprint = client.trust_first(arguments.fingerprint)
        client.refresh()
    except BaseException:
        forget(home, remote.name)
        raise
    return fingerprint


def _url(word: str) -> str:
    return word if "://" in word else Path(word).absolute().as_uri()


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, limit=MAX_ROOT_BYTES)
    except OSError as error:
        what = f"{str(path)!r} cannot be read: {error.strerror}"
        raise UsageError(what, code="MOP6113", fix="give the root.json of the repository") from error
