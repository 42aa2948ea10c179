"""``mobileops keys``: make, list and publish the keys of mode ``key``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._secrets import passphrase
from mobileops.cli.commands._signers import find
from mobileops.errors import UsageError
from mobileops.toolchain.sign import keys

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

ACTIONS: Final = ("generate", "list", "export")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="make a key; list them; print the public half of one")
    parser.add_argument("name", nargs="?", help="name of the key, for generate and export")
    parser.add_argument("--type", choices=keys.KEY_TYPES, default=keys.KEY_TYPES[0], help="default: %(default)s")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--passphrase-fd", type=int, metavar="N", help="read the passphrase from this descriptor")
    secret.add_argument("--no-passphrase", action="store_true", help="leave the private key unencrypted on the disk")
    parser.add_argument("--out", type=Path, help="with export: write this new file instead of standard output")
    parser.json_option()
    parser.example(
        "mobileops keys generate release",
        "mobileops keys list --json",
        "mobileops keys export release --out release.pub",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one of the three."""
    if (arguments.name is None) != (arguments.action == "list"):
        raise UsageError(
            f"'keys {arguments.action}' takes {'no name' if arguments.name else 'the name of a key'}",
            code="MOP7003",
            fix="mobileops keys --help",
        )
    return {"generate": _generate, "list": _list, "export": _export}[arguments.action](arguments, console)


def _generate(arguments: argparse.Namespace, console: Console) -> int:
    folder = console.home().keys
    keys.check_free(folder, arguments.name)  # before a passphrase is thought of
    secret = None
    if not arguments.no_passphrase:
        of = f"the new key {arguments.name!r}"
        secret = passphrase(arguments.passphrase_fd, console, of=of, confirm=True)()
    made = keys.generate(folder, arguments.name, key_type=arguments.type, passphrase=secret)
    facts = _facts(made)
    if arguments.json:
        console.json(facts)
    else:
        console.fields(_shown(facts))
        console.note(f"next: mobileops keys export {made.name}, for the trust policy of those who install")
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> int:
    found = [_facts(key) for key in keys.listed(console.home().keys)]
    if arguments.json:
        console.json(found)
    elif found:
        header = ("name", "type", "hint", "encrypted", "private")
        console.table(
            [name.upper() for name in header], [[str(_shown(facts)[column]) for column in header] for facts in found]
        )
    else:
        console.note("no keys; mobileops keys generate NAME makes one")
    return 0


def _export(arguments: argparse.Namespace, console: Console) -> int:
    key = find(console.home(), arguments.name)
    pem = keys.public_pem(keys.public_key(key.path.with_suffix(keys.PUBLIC)))
    if arguments.out is not None:
        keys.write_public(arguments.out, pem)
    facts = {**_facts(key), "public": str(arguments.out) if arguments.out else pem.decode()}
    if arguments.json:
        console.json(facts)
    elif arguments.out is None:
        console.stdout.write(pem.decode())
    else:
        console.fields({"public": arguments.out, "hint": key.hint})
    return 0


def _shown(facts: dict[str, object]) -> dict[str, object]:
    """Return facts as a person reads them."""
    return facts | {"encrypted": "yes" if facts["encrypted"] else "no"}


def _facts(key: keys.KeyFile) -> dict[str, object]:
    return {
        "name": key.name,
        "type": key.type,
        "hint": key.hint,
        "encrypted": key.encrypted,
        "private": str(key.path),
    }
