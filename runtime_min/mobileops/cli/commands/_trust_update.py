"""``mobileops trust update``: fetch the present root of the public Sigstore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.errors import UsageError
from mobileops.runtime.trust import load_policy, public_root
from mobileops.runtime.trust.codes import missing_extra

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "--url", default=public_root.TUF_URL, help="the TUF repository, or a mirror; default: %(default)s"
    )
    parser.add_argument("--tuf-root", type=Path, help="the root.json to start from; default: the one that ships")
    parser.json_option()
    parser.example("mobileops trust update")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Fetch, verify and keep it; the only trust command that uses the network."""
    try:
        from mobileops.runtime.trust import refresh  # noqa: PLC0415  tuf and sigstore are optional, and slow to import
    except ImportError as error:
        raise missing_extra(f"the root cannot be refreshed: {error}") from error
    home = console.home()
    refreshed = refresh.refresh(home, url=arguments.url, bootstrap=_bootstrap(arguments.tuf_root))
    if arguments.json:
        console.json({**refreshed._asdict(), "file": str(home.public_root)})
        return 0
    console.print(f"the public root is {'another one now' if refreshed.changed else 'unchanged'}: {refreshed.sha256}")
    if not any(root.trusted_root == home.public_root for root in load_policy(home).rules.roots):
        console.note("no root of the trust policy uses it yet: mobileops trust add root public")
    return 0


def _bootstrap(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"{str(path)!r} cannot be read: {error.strerror}"
        raise UsageError(what, code="MOP3142", fix="give the root.json of the repository") from error
