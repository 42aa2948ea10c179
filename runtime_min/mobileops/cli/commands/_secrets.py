"""Ask for a secret: from a file descriptor or a terminal, never from the command line, which every account can read."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.cli.console import Console

MAX_SECRET_BYTES: Final = 64 << 10
TERMINAL: Final = "/dev/tty"
WAYS: Final = {
    "passphrase": "run it on a terminal, or hand the passphrase over with --passphrase-fd 3 3<FILE",
    "secret": "run it on a terminal, or hand the secret over with --secret KEY <FILE",
    "identity token": "hand the token over with --identity-token-fd 3 3<FILE",
}
"""What is asked for -> how it can be given."""


def read_descriptor(descriptor: int, *, what: str) -> bytes:
    """Return what an inherited file descriptor holds, without the newline at its end; 0 is standard input.

    Raises:
        UsageError: ``MOP3219``, it cannot be read, is empty, or holds too much.
    """
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            secret = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise _no_secret(f"the {what} cannot be read from descriptor {descriptor}: {error.strerror}", what) from error
    secret = secret.removesuffix(b"\n").removesuffix(b"\r")
    if not secret or len(secret) > MAX_SECRET_BYTES:
        size = "nothing" if not secret else f"more than {MAX_SECRET_BYTES:,} bytes"
        raise _no_secret(f"descriptor {descriptor} holds {size} where the {what} is expected", what)
    return secret


def passphrase(descriptor: int | None, console: Console, *, of: str, confirm: bool = False) -> Callable[[], bytes]:
    """Return what gives a passphrase when it is needed.

    Args:
        descriptor: where to read it; None asks on the terminal.
        console: for the prompt.
        of: what the passphrase opens, for the prompt.
        confirm: ask on the terminal twice, because nobody sees what is typed.
    """

    def ask() -> bytes:
        if descriptor is not None:
            return read_descriptor(descriptor, what="passphrase")
        first = _prompt(f"passphrase of {of}: ", console, what="passphrase")
        if confirm and _prompt("the same passphrase again: ", console, what="passphrase") != first:
            raise UsageError(
                "the two passphrases differ",
                code="MOP3219",
                why="nobody sees what is typed, and a key whose passphrase is not known is lost",
                fix="repeat the command, and type the same passphrase twice",
            )
        return first

    return ask


def piped_or_typed(console: Console, *, of: str) -> str:
    """Return a secret that is typed on the terminal, or else is all of standard input, without the newline at its end.

    Args:
        console: for the prompt.
        of: what it is for, for the prompt.

    Raises:
        UsageError: ``MOP3219``, there is none, or it is no text.
    """
    if console.stdin.isatty():
        secret = _prompt(f"{of}: ", console, what="secret")
    else:
        secret = read_descriptor(console.stdin.fileno(), what="secret")
    try:
        return secret.decode()
    except UnicodeDecodeError:
        raise _no_secret("the secret is no UTF-8 text", "secret") from None


def _prompt(text: str, console: Console, *, what: str) -> bytes:
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))  # getpass would fall back to reading it with an echo
        typed = getpass.getpass(text, stream=console.stderr)
    except KeyboardInterrupt:
        console.note("")  # the cursor is still behind the prompt
        raise
    except (OSError, EOFError) as error:
        why = "nothing was typed" if isinstance(error, EOFError) else f"there is no terminal to ask for a {what}"
        raise _no_secret(why, what) from error
    if not typed:
        raise _no_secret(f"the {what} is empty", what)
    return typed.encode()


def _no_secret(problem: str, what: str) -> UsageError:
    return UsageError(
        problem,
        code="MOP3219",
        why="a secret comes from a terminal or a file descriptor, because every account can read a command line",
        fix=WAYS[what],
    )
