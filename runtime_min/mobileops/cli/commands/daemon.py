"""``mobileops daemon``: run the plugin manager in the foreground, or stop it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.errors import MobileOpsError
from mobileops.runtime.home import Home

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("--home", type=Path, help="serve this folder instead of MOBILEOPS_HOME")
    parser.add_argument(
        "--ready-fd", type=int, help="write one line to this descriptor once requests are served, then close it"
    )
    parser.add_argument("--stop", action="store_true", help="stop the plugin manager, and all plugins with it")
    parser.example("mobileops daemon --stop")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until stopped or idle."""
    home = Home(arguments.home.absolute()).prepare() if arguments.home else console.home()
    if arguments.stop:
        return _stop(home, console)
    from mobileops.runtime import daemon  # noqa: PLC0415  asyncio, which --stop does without

    def ready(word: bytes = b"ready\n") -> None:
        if arguments.ready_fd is not None:
            os.write(arguments.ready_fd, word)
            os.close(arguments.ready_fd)
            arguments.ready_fd = None
        else:
            console.note(f"serving {home.root}")

    try:
        daemon.run(home, ready=ready, environment=console.environment)
    except MobileOpsError as error:
        if arguments.ready_fd is not None:
            ready(b"busy\n" if error.code == "MOP5201" else str(error).encode())
        raise
    return 0


def _stop(home: Home, console: Console) -> int:
    from mobileops.runtime.client import connect  # noqa: PLC0415  the plugin manager itself does without

    client = connect(home)
    if client is None:
        console.note("the plugin manager does not run")
        return 0
    try:
        client.shut_down()
    finally:
        client.close()
    console.note("the plugin manager has stopped")
    return 0
