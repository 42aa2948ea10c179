"""Which signer the options of a command ask for, and what is said about its signature."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._secrets import passphrase
from mobileops.errors import UsageError
from mobileops.toolchain.sign import LocalInstance, LocalSigner, keys

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.toolchain.sign import Signed, SignedBy, Signer

MODES: Final = ("local", "key")
_ADVICE: Final = {
    "local": "assurance 'local': only machines that pin this account's trusted root accept it",
    "key": "assurance 'key': machines accept it whose trust policy names this key",
}


def configure(parser: Parser) -> None:
    """Describe the options that choose a signer."""
    parser.add_argument("--mode", choices=MODES, help="how to sign; default: key with --key, else local")
    parser.add_argument("--identity", help="local: who signs, as an e-mail address; default: USER@localhost")
    parser.add_argument("--key", metavar="NAME|FILE", help="key: a key of 'mobileops keys', or a PKCS#8 file")
    parser.add_argument("--passphrase-fd", type=int, metavar="N", help="key: read its passphrase from this descriptor")


def choose(arguments: argparse.Namespace, console: Console, home: Home) -> Signer:
    """Return the signer that the options ask for; never another one.

    Raises:
        UsageError: ``MOP3220`` options of different modes, or whatever the mode cannot work with.
    """
    mode = arguments.mode or ("key" if arguments.key else "local")
    _refuse_foreign(arguments, mode)
    if mode == "key":
        return _key(arguments, console, home)
    identity = arguments.identity or f"{getpass.getuser()}@localhost"
    return LocalSigner(LocalInstance.open_or_create(home.sigstore), identity)


def facts(signed: Signed) -> dict[str, object]:
    """Return what is printed about a signature."""
    by = signed.by
    return {
        "signature": str(signed.path),
        "mode": by.mode,
        "identity": by.identity,
        "issuer": by.issuer,
        "assurance": by.assurance,
    }


def advice(by: SignedBy) -> str:
    """Return one line about who will accept the signature."""
    return _ADVICE[by.mode]


def _refuse_foreign(arguments: argparse.Namespace, mode: str) -> None:
    """Refuse an option that the mode would ignore."""
    belongs = {"identity": "local", "key": "key", "passphrase_fd": "key"}
    for name, owner in belongs.items():
        if getattr(arguments, name) is not None and owner != mode:
            raise UsageError(
                f"--{name.replace('_', '-')} has no meaning in mode {mode!r}",
                code="MOP3220",
                why="a signature is made in one mode, and an option that is ignored would hide a mistake",
                fix=f"drop it, or sign with --mode {owner}",
            )


def _key(arguments: argparse.Namespace, console: Console, home: Home) -> Signer:
    if arguments.key is None:
        raise UsageError(
            "mode 'key' needs a key", code="MOP3220", fix="--key NAME; mobileops keys list shows what there is"
        )
    named = Path(arguments.key)
    path = named if len(named.parts) > 1 or named.suffix else keys.find(home.keys, arguments.key).path
    return keys.load(path, passphrase=passphrase(arguments.passphrase_fd, console))
