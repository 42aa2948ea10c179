"""The rule of `conftest`: a unit test reaches no other machine."""

from __future__ import annotations

import socket

import pytest

DOCUMENTATION = ("192.0.2.1", 9)  # RFC 5737: nobody is there


@pytest.mark.parametrize("name", ["connect", "connect_ex"])
def test_no_other_machine_is_connected_to(name: str) -> None:
    with socket.socket() as one, pytest.raises(RuntimeError, match="must not use the network"):
        getattr(one, name)(DOCUMENTATION)


def test_nothing_is_sent_to_another_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one, pytest.raises(RuntimeError, match="must not use the network"):
        one.sendto(b"x", DOCUMENTATION)


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        assert one.getpeername() == server.getsockname()
