"""The descriptors between the plugin manager and a plugin's process: one end of each stays here, the other goes there.

They are made together and given away together: a start that fails leaves none of them open, on either side.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mobileops.runtime.channel import arena

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ends(NamedTuple):
    """Both ends.

    Attributes:
        channel: this side of the plugin's stream socket.
        output: read end of its stdout and stderr.
        arena: descriptor of the memory that both sides share.
        theirs: what its process is sent, in this order: channel, output, assignment, arena.
    """

    channel: socket.socket
    output: int
    arena: int
    theirs: tuple[int, ...]


@contextmanager
def ends(assignment: bytes, *, uid: int | None) -> Iterator[Ends]:
    """Make them for one start; when the block ends without an exception, what stays here is the caller's to close.

    Args:
        assignment: what the process is to do, encoded.
        uid: of the plugin, so that it can open /dev/stderr by name; None when it has no account of its own.

    Raises:
        OSError: this process has no descriptors left.
    """
    with ExitStack() as theirs, ExitStack() as ours:
        channel, other = socket.socketpair()
        ours.callback(channel.close)
        theirs.callback(other.close)
        output, output_write = os.pipe()
        ours.callback(os.close, output)
        theirs.callback(os.close, output_write)
        memory = os.memfd_create("assignment")
        theirs.callback(os.close, memory)
        shared = arena.create()
        ours.callback(os.close, shared)
        os.write(memory, assignment)
        if uid is not None:
            os.fchown(output_write, uid, uid)
        yield Ends(channel, output, shared, (other.fileno(), output_write, memory, shared))
        ours.pop_all()
