"""Detached mounts of granted host paths, made where the host's file system is visible, attached where it is not.

::

    manager is root            the manager clones the mount itself
    manager is an ordinary     it may not; the zygote's first life, which stays behind as root of the zygote's user
    user                       namespace, went back to the mount namespace with the host's files, and clones on request

    request   {"path", "attributes"}           one JSON document per message of a SOCK_SEQPACKET socket
    answer    {"errno"} + [mount] when errno is 0

A path is opened by ``openat2(2)`` with RESOLVE_NO_SYMLINKS: a link in any component is refused (ELOOP), whoever made it
and whenever, so what is mounted is what the operator can read in the manifest. The mount has its attributes before
anybody else has it. A descriptor of a detached mount is all that travels; nothing is mounted by path twice.
"""

from __future__ import annotations

import json
import os
import select
import socket
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.isolation import mounts

if TYPE_CHECKING:
    from mobileops.runtime.isolation.policy import Grant

MESSAGE_LIMIT_BYTES: Final = 16 * 1024
#: A device node, a set-user-id program or any program at all on a granted path has no power in the sandbox.
_ALWAYS: Final = mounts.NOSUID | mounts.NODEV | mounts.NOEXEC


def attributes_of(grant: Grant) -> int:
    """Return the mount attributes of a grant: read-only unless it may be written, no code unless that is its use."""
    always = _ALWAYS & ~mounts.NOEXEC if grant.code else _ALWAYS
    return always if grant.write else always | mounts.RDONLY


def detach(path: str, attributes: int) -> int:
    """Return a detached mount of a host path and all that is mounted beneath.

    Raises:
        OSError: ENOENT for nothing there, ELOOP for a symbolic link in the path, or the kernel refused.
    """
    source = mounts.open_beneath("/", path.lstrip("/"), directory=False)
    try:
        return mounts.clone_tree("", directory=source, attributes=attributes)
    finally:
        os.close(source)


def request(channel: socket.socket | None, path: str, attributes: int) -> int:
    """Return a detached mount, made here as root or by whoever serves the channel.

    Raises:
        OSError: as `detach`.
    """
    if channel is None:
        return detach(path, attributes)
    channel.send(json.dumps({"path": path, "attributes": attributes}).encode())
    data, descriptors, _flags, _address = socket.recv_fds(channel, MESSAGE_LIMIT_BYTES, 1)
    number = json.loads(data)["errno"] if data else os.EX_IOERR
    if number or not descriptors:
        raise OSError(number, os.strerror(number), path)
    return descriptors[0]


def serve(channel: socket.socket, *, until: int) -> None:
    """Answer requests until a process ends.

    Args:
        channel: from the manager, who alone holds the other end.
        until: pidfd of that process.
    """
    poll = select.poll()
    poll.register(until, select.POLLIN)
    poll.register(channel, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _event in poll.poll()]
        if until in ready:
            return
        data = channel.recv(MESSAGE_LIMIT_BYTES)
        if not data:
            poll.unregister(channel)
            continue
        _answer(channel, json.loads(data))


def _answer(channel: socket.socket, asked: dict[str, Any]) -> None:
    try:
        tree = detach(asked["path"], asked["attributes"])
    except OSError as error:
        channel.send(json.dumps({"errno": error.errno}).encode())
        return
    socket.send_fds(channel, [b'{"errno": 0}'], [tree])
    os.close(tree)
