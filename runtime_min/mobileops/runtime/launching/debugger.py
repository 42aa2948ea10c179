"""Where the debugger is, if this host has one: the optional extra ``debug``."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL: Final = "pip install 'mobileops-runtime[debug]'"


def find_debugger() -> Path | None:
    """Return the folder of the package ``debugpy`` beside the plugin manager, which does not import it."""
    spec = importlib.util.find_spec("debugpy")
    return None if spec is None or spec.origin is None else Path(os.path.realpath(spec.origin)).parent


def no_debugger(name: str) -> HostFault:
    """Return what it is to want one where there is none."""
    return HostFault(
        f"no debugger for {name!r}: the Python package 'debugpy' is missing",
        code="MOP5601",
        why="an optional extra of the runtime brings it, and a plugin has it only in debug mode",
        fix=f"{INSTALL}, then mobileops debug {name}",
    )


@contextlib.contextmanager
def for_editors(package: str | None) -> Iterator[tuple[socket.socket | None, tuple[int, ...]]]:
    """Make the socket that editors are handed in by; yield this side's end, and the plugin's as descriptors to send.

    Args:
        package: of a policy in debug mode; None makes none.
    """
    if package is None:
        yield None, ()
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            yield ours, (theirs.fileno(),)
        except BaseException:
            ours.close()
            raise
