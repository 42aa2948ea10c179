"""The least that any call costs: raw bytes, values, frames and copies, between this process and a forked one."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import msgspec

from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import CALL, RESULT, Frame

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Iterator

PIPELINE = 100
PAYLOAD = b"x" * 64
LARGE = os.urandom(4 << 20)
_DECODE = msgspec.msgpack.Decoder(Frame).decode
_ENCODE = msgspec.msgpack.Encoder().encode


def raw_pipelined(peer: socket.socket, messages: int) -> None:
    """Exchange raw messages, each sent on its own, and send the next `PIPELINE` while as many are under way."""
    sent = left = 0
    while left or sent < messages:
        if sent < messages:
            for _ in range(PIPELINE):
                peer.sendall(PAYLOAD)
            sent, left = sent + PIPELINE, left + PIPELINE * len(PAYLOAD)
        while left > (PIPELINE * len(PAYLOAD) if sent < messages else 0):
            left -= len(peer.recv(1 << 16))


def raw_echo(theirs: socket.socket) -> None:
    """Return what comes."""
    while data := theirs.recv(1 << 16):
        theirs.sendall(data)


def msgspec_echo(theirs: socket.socket) -> None:
    """Decode what comes, and encode the answer; every message comes in one piece."""
    while data := theirs.recv(4096):
        frame = _DECODE(data)
        theirs.sendall(_ENCODE(Frame(RESULT, frame.id, "", frame.body["args"][0])))


def framed_echo(theirs: socket.socket) -> None:
    """Do the same in frames of any length."""
    channel = BlockingChannel(theirs)
    with contextlib.suppress(Exception):
        while True:
            frame = channel.receive()
            channel.send(Frame(RESULT, frame.id, "", frame.body["args"][0]))


@contextlib.contextmanager
def forked(serve: Callable[[socket.socket], None]) -> Iterator[tuple[socket.socket, int]]:
    """Fork a process that serves one end of a socket, and give the other, and its pid."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        serve(theirs)
        os._exit(0)
    theirs.close()
    yield ours, child
    ours.close()
    os.waitpid(child, 0)


def msgspec_exchange(peer: socket.socket) -> object:
    """Encode a call, and decode its answer."""
    peer.sendall(_ENCODE(Frame(CALL, 1, "process", {"args": [PAYLOAD], "kwargs": {}})))
    return _DECODE(peer.recv(4096)).body


def copying_echo(shared: mmap.mmap, theirs: socket.socket) -> None:
    """Copy 4 MiB out of shared memory and back into another part of it, whenever a byte comes."""
    size = len(LARGE)
    while theirs.recv(1):
        arrived = shared[:size]
        shared[size : 2 * size] = arrived
        theirs.send(b"x")


def four_copies(shared: mmap.mmap, peer: socket.socket) -> bytes:
    """Copy 4 MiB in, have the other process do its part, and copy the answer out."""
    size = len(LARGE)
    shared[:size] = LARGE
    peer.send(b"x")
    peer.recv(1)
    return shared[size : 2 * size]
