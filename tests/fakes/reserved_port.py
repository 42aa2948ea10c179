"""A TCP port that a test may have, and that nobody else is given meanwhile."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reserved_port() -> Iterator[int]:
    """Hold a port of 127.0.0.1 on which nothing listens, for the length of the block.

    It is bound here, so that the kernel gives it to no other process that asks for any; whoever sets SO_REUSEADDR, as
    servers do, can bind it and listen on it nevertheless (socket(7)).
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
