"""Which signer the options of a command ask for, and what is said about its signature."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli.commands._secrets import passphrase, read_descriptor
from mobileops.cli.commands._signing_options import MODES_OF, misplaced
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import NotFoundError, UsageError
from mobileops.toolchain.sign import LocalInstance, LocalSigner, keys

if TYPE_CHECKING:
    import argparse

    from sigstore.oidc import IdentityToken

    from mobileops.cli.console import Console
    from mobileops.runtime.home import Home
    from mobileops.toolchain.sign import Signed, Signer
    from mobileops.toolchain.sign.keyless import Service

_ADVICE: Final = {
    "local": "assurance 'local': only machines that pin this account's trusted root accept it",
    "key": "assurance 'key': machines accept it whose trust policy names this key",
    "keyless": "assurance 'public': machines accept it whose trust policy names this identity under the public root",
    "private": "assurance 'private': machines accept it whose trust policy names this identity and pins that root",
}


def choose(arguments: argparse.Namespace, console: Console, home: Home) -> Signer:
    """Return the signer that the options ask for; never another one.

    Raises:
        UsageError: ``MOP3220`` options of different modes, or whatever the mode cannot work with.
        HostFault: a service that the mode needs does not answer.
    """
    mode = arguments.mode or _implied(arguments)
    for name, owners in MODES_OF.items():
        if getattr(arguments, name) is not None and mode not in owners:
            raise misplaced(name, f"in mode {mode!r}", f"sign with --mode {owners[0]}")
    if mode == "key":
        return _key(arguments, console, home)
    if mode == "local":
        return local(home, arguments.identity)
    return _sigstore(arguments, console, mode)


def local(home: Home, identity: str | None = None) -> Signer:
    """Return the local instance as a signer, for this user if nobody else is named."""
    return LocalSigner(LocalInstance.open_or_create(home.sigstore), identity or f"{getpass.getuser()}@localhost")


def facts(signed: Signed) -> dict[str, object]:
    """Return what is printed about a signature."""
    by = signed.by
    return {
        "signature": str(signed.path),
        "mode": by.mode,
        "identity": by.identity,
        "issuer": by.issuer,
        "assurance": by.assurance,
        "attestations": [str(path) for path in signed.attestations],
    }


def show(signed: Signed, console: Console) -> None:
    """Print a signature for a person: mode and identity first, then who will accept it."""
    shown = {name: value for name, value in facts(signed).items() if value is not None}
    shown["attestations"] = ", ".join(path.name for path in signed.attestations) or "none"
    console.fields(shown)
    console.note(_ADVICE[signed.by.mode])


def find(home: Home, name: str) -> keys.KeyFile:
    """Return a key of this account; a mistyped name gets a suggestion.

    Raises:
        NotFoundError, UsageError, HostFault: as ``keys.find``.
    """
    try:
        return keys.find(home.keys, name)
    except NotFoundError as error:
        error.fix = did_you_mean(name, keys.names(home.keys)) or error.fix
        raise


def _implied(arguments: argparse.Namespace) -> str:
    if arguments.key is not None:
        return "key"
    return "private" if arguments.trust_config is not None or arguments.tuf_url is not None else "local"


def _key(arguments: argparse.Namespace, console: Console, home: Home) -> Signer:
    if arguments.key is None:
        raise UsageError(
            "mode 'key' needs a key", code="MOP3220", fix="--key NAME; mobileops keys list shows what there is"
        )
    named = Path(arguments.key)
    path = named if len(named.parts) > 1 or named.suffix else find(home, arguments.key).path
    return keys.load(path, passphrase=passphrase(arguments.passphrase_fd, console, of=f"the key {path.stem!r}"))


def _sigstore(arguments: argparse.Namespace, console: Console, mode: str) -> Signer:
    from mobileops.toolchain.sign.keyless import SigstoreSigner  # noqa: PLC0415 - importing sigstore takes a second

    given = _given_token(arguments, console)  # before the network is asked for anything
    service = _service(arguments, mode)
    return SigstoreSigner(service, given or _found_token(arguments, console, service))


def _service(arguments: argparse.Namespace, mode: str) -> Service:
    from mobileops.toolchain.sign.keyless import Service  # noqa: PLC0415 - see _sigstore

    if mode == "keyless":
        return Service.public_good()
    by_file, by_tuf = arguments.trust_config is not None, arguments.tuf_url is not None
    if by_file == by_tuf or by_tuf != (arguments.tuf_root is not None):
        raise UsageError(
            "mode 'private' needs one instance",
            code="MOP3220",
            why="it is named by its trust configuration, or by its TUF repository and that one's root",
            fix="--trust-config FILE, or --tuf-url URL --tuf-root FILE",
        )
    return (
        Service.from_file(arguments.trust_config)
        if by_file
        else Service.from_tuf(arguments.tuf_url, arguments.tuf_root)
    )


def _given_token(arguments: argparse.Namespace, console: Console) -> IdentityToken | None:
    from mobileops.toolchain.sign.keyless import token_from  # noqa: PLC0415 - see _sigstore

    if arguments.identity_token_fd is not None:
        return token_from(
            read_descriptor(arguments.identity_token_fd, what="identity token").decode("ascii", "replace")
        )
    if arguments.identity_token_env is None:
        return None
    text = console.environment.get(arguments.identity_token_env)
    if not text:
        raise UsageError(
            f"the variable {arguments.identity_token_env!r} is not set or empty",
            code="MOP3219",
            fix="set it to the identity token, or drop the option",
        )
    return token_from(text)


def _found_token(arguments: argparse.Namespace, console: Console, service: Service) -> IdentityToken:
    from mobileops.toolchain.sign.keyless import ambient_token, browser_token  # noqa: PLC0415 - see _sigstore

    found = ambient_token()
    if found is not None:
        return found
    if not console.stdin.isatty():
        raise UsageError(
            "there is no identity to sign with",
            code="MOP3226",
            why="this is no known CI job, no token was given, and there is no terminal to log in from",
            fix="give a token with --identity-token-fd, or sign with --mode key or --mode local",
        )
    return browser_token(service, without_browser=bool(arguments.no_browser))
