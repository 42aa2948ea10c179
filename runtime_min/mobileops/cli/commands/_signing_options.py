"""The options that choose a signer; nothing here can sign, so that packaging alone does not wait for cryptography."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.parser import Parser

MODES: Final = ("local", "key", "keyless", "private")

MODES_OF: Final = {
    "identity": ("local",),
    "key": ("key",),
    "passphrase_fd": ("key",),
    "trust_config": ("private",),
    "tuf_url": ("private",),
    "tuf_root": ("private",),
    "identity_token_fd": ("keyless", "private"),
    "identity_token_env": ("keyless", "private"),
    "no_browser": ("keyless", "private"),
}


def configure(parser: Parser) -> None:
    """Describe the options that choose a signer."""
    group = parser.add_argument_group("who signs")
    group.add_argument("--mode", choices=MODES, help="default: what the options below imply, else local")
    group.add_argument("--identity", help="local: who signs, as an e-mail address; default: USER@localhost")
    group.add_argument("--key", metavar="NAME|FILE", help="key: a key of 'mobileops keys', or a PKCS#8 file")
    group.add_argument("--passphrase-fd", type=int, metavar="N", help="key: read its passphrase from this descriptor")
    group.add_argument("--trust-config", type=Path, metavar="FILE", help="private: ClientTrustConfig of the instance")
    group.add_argument("--tuf-url", metavar="URL", help="private: TUF repository of the instance")
    group.add_argument("--tuf-root", type=Path, metavar="FILE", help="private: root.json of that repository")
    token = group.add_mutually_exclusive_group()
    token.add_argument(
        "--identity-token-fd", type=int, metavar="N", help="keyless, private: token from a descriptor, 0 is stdin"
    )
    token.add_argument("--identity-token-env", metavar="NAME", help="keyless, private: token from a variable")
    group.add_argument(
        "--no-browser", action="store_true", default=None, help="keyless, private: log in with a link and a code"
    )


def refuse(arguments: argparse.Namespace, *, unless: str) -> None:
    """Refuse every option of this module, because nothing will be signed.

    Raises:
        UsageError: ``MOP3220``, there is one.
    """
    for name in ("mode", *MODES_OF):
        if getattr(arguments, name) is not None:
            raise misplaced(name, "when nothing is signed", f"add {unless}")


def misplaced(name: str, where: str, fix: str) -> UsageError:
    """Return the error for an option that the chosen mode would ignore."""
    return UsageError(
        f"--{name.replace('_', '-')} has no meaning {where}",
        code="MOP3220",
        why="a signature is made in one mode, and an option that is ignored would hide a mistake",
        fix=f"drop it, or {fix}",
    )
