"""``mobileops trust revoke``: refuse an archive, a key or a signer from now on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands._trust import Change, tell
from mobileops.errors import UsageError
from mobileops.runtime.trust import editing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

SIGNER: Final = ("identity", "repository_id", "owner_id", "issuer")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--sha256", metavar="DIGEST|FILE", help="an archive, by its digest or as a file")
    what.add_argument("--key-hint", metavar="HINT", help="a key: what 'verify' shows as key_hint")
    what.add_argument("--identity", help="a signer, by e-mail address or URI")
    parser.add_argument("--repository-id", help="a signer, by the number of its repository")
    parser.add_argument("--owner-id", help="a signer, by the number of the repository's owner")
    parser.add_argument("--issuer", help="with a signer: only if this issuer vouched for it")
    parser.add_argument("--after", metavar="TIME", help="with a signer: what was signed from then on; default: all")
    parser.json_option()
    parser.example("mobileops trust revoke --repository-id 1234 --after 2026-11-01T00:00:00Z")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Add it to the policy; installed plugins are asked about at their next start."""
    home = console.home()
    list_name, value = _entry(arguments)
    with editing.alone(home):
        document = editing.document(home)
        entries = document.setdefault("revoked", {}).setdefault(list_name, [])
        if value in entries:
            change = Change("it is revoked already", document.get("serial", 0), changed=False)
        else:
            entries.append(value)
            shown = value if isinstance(value, str) else ", ".join(f"{key} {text}" for key, text in value.items())
            change = Change(f"revoked {shown}", editing.write(home, document))
    tell(console, home, change, as_json=bool(arguments.json))
    return 0


def _entry(arguments: argparse.Namespace) -> tuple[str, Any]:
    """Return the list of the policy and what to add to it."""
    signer = {key: getattr(arguments, key) for key in (*SIGNER, "after") if getattr(arguments, key) is not None}
    plain = arguments.sha256 or arguments.key_hint
    if bool(plain) == bool(signer.keys() & set(SIGNER[:3])) or (plain and signer):
        raise UsageError(
            "'trust revoke' takes an archive, a key, or a signer",
            code="MOP7003",
            why="--after and --issuer narrow a signer: --identity, --repository-id or --owner-id",
            fix="mobileops trust revoke --help",
        )
    if arguments.sha256:
        return "sha256", _digest(arguments.sha256)
    return ("key_hints", arguments.key_hint) if arguments.key_hint else ("identities", signer)


def _digest(word: str) -> str:
    path = Path(word)
    if not path.is_file():
        return word.lower()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
