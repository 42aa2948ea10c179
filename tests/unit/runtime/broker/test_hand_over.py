"""What the broker and a plugin's process say to each other when one of them cannot."""

from __future__ import annotations

import array
import errno
import os
import socket

import pytest

from mobileops.runtime import audit
from mobileops.runtime.broker import process
from mobileops.runtime.isolation import netns


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize(("said", "told"), [(b"OSError: no such number", "no such number"), (b"", "broker ended")])
def test_the_brokers_reason_is_the_plugins(ends, said, told):
    ours, theirs = ends
    theirs.sendall(said) if said else theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError, match=told) as caught:
        netns.hand_over(ours.detach(), os.open(os.devnull, os.O_RDONLY), [])
    assert caught.value.errno == errno.ECONNRESET


def test_a_broker_that_fails_at_a_plugin_says_why_and_closes_the_listener(ends, tmp_path):
    """What is handed over here is no network socket: as on a kernel that does not number network namespaces."""
    ours, theirs = ends
    read_end, write_end = os.pipe()
    with socket.socket(socket.AF_UNIX) as one:
        numbers = array.array("i", [write_end, one.fileno(), one.fileno()])
        ours.sendmsg([b"sockets"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
    os.close(write_end)
    plugin = {"plugin": "p", "grants": {"tcp": [], "udp": []}}
    process.attend(plugin, [theirs.detach(), *audit.open_files(tmp_path, "p", "broker")])
    assert ours.recv(netns.REASON_LIMIT_BYTES) == b"KeyError: 'listen'"
    assert os.read(read_end, 1) == b""
    os.close(read_end)
