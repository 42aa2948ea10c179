from __future__ import annotations

import errno
import os
import socket

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.broker import binding
from mobileops.runtime.broker.addresses import parse
from mobileops.runtime.launching import privileged_ports
from tests.fakes.reserved_port import reserved_port


@pytest.fixture
def setting(tmp_path):
    path = tmp_path / "ip_unprivileged_port_start"
    path.write_text("81\n")
    return path


@pytest.fixture
def status(tmp_path):
    def write(capabilities):
        path = tmp_path / "status"
        path.write_text(f"Name:\tx\nCapEff:\t{capabilities:016x}\n")
        return path

    return write


def test_the_hosts_own_setting_says_what_is_privileged(setting, tmp_path):
    assert privileged_ports.privileged([80, 81, 443], setting=setting) == {80}
    assert privileged_ports.privileged([80, 443, 1024], setting=tmp_path / "absent") == {80, 443}


def test_whoever_may_not_bind_is_told_which_port_and_both_ways_out(status):
    with pytest.raises(IsolationRefused, match="port 80") as caught:
        privileged_ports.check("web", {443, 80}, status=status(0))
    assert (caught.value.code, caught.value.where) == ("MOP4103", "web: network.listen:80, network.listen:443")
    assert "ip_unprivileged_port_start=80" in str(caught.value.fix)
    assert "CAP_NET_BIND_SERVICE" in str(caught.value.fix)


def test_with_the_capability_or_without_such_a_port_nothing_is_refused(status):
    privileged_ports.check("web", {80}, status=status(1 << 10))
    privileged_ports.check("web", frozenset(), status=status(0))


@pytest.fixture
def free_port():
    with reserved_port() as port:
        yield port


def address(port, family=socket.AF_INET):
    return family.to_bytes(2, "little") + port.to_bytes(2, "big") + socket.inet_aton("127.0.0.1") + bytes(8)


def asked(port, granted, one, raw=None):
    """Ask as the broker does, with a kernel that says no at first."""

    class Refusing:
        fileno = one.fileno

        def bind(self, _address):
            raise PermissionError(errno.EACCES, "privileged")

    with privileged_ports.serve(granted) as binder:
        binder.settimeout(10)
        binding.bind(Refusing(), parse(address(port)), raw or address(port), binder=binder)


def test_a_granted_port_is_bound_on_the_very_socket(free_port):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asked(free_port, [free_port], one)
        assert one.getsockname() == ("127.0.0.1", free_port)


@pytest.mark.parametrize(
    ("kind", "raw", "number"),
    [
        (socket.SOCK_STREAM, address(9), errno.EACCES),
        (socket.SOCK_STREAM, b"\x02\x00nonsense", errno.EACCES),
        (socket.SOCK_DGRAM, None, errno.EAFNOSUPPORT),
    ],
)
def test_nothing_else_is_bound_whatever_the_broker_asks(free_port, kind, raw, number):
    with socket.socket(socket.AF_INET, kind) as one:
        with pytest.raises(OSError, match=os.strerror(number)) as caught:
            asked(free_port, [free_port], one, raw)
        assert caught.value.errno == number
        assert one.getsockname() == ("0.0.0.0", 0)  # noqa: S104 (of nothing yet)


def test_a_port_that_is_taken_is_taken(free_port):
    with socket.create_server(("127.0.0.1", free_port)), socket.socket() as one:
        with pytest.raises(OSError, match="in use") as caught:
            asked(free_port, [free_port], one)
        assert caught.value.errno == errno.EADDRINUSE


def test_a_request_without_a_socket_is_refused():
    with privileged_ports.serve([80]) as binder:
        binder.settimeout(10)
        binder.send(address(80))
        assert binding.ANSWER.unpack(binder.recv(4))[0] == errno.EBADF


def test_without_a_binder_the_kernels_word_counts():
    class Refusing:
        def bind(self, _address):
            raise PermissionError(errno.EACCES, "privileged")

    with pytest.raises(PermissionError):
        binding.bind(Refusing(), parse(address(80)), address(80), binder=None)


def test_a_plugin_manager_that_is_gone_is_a_refusal(free_port):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, socket.socket() as one:

        class Refusing:
            fileno = one.fileno

            def bind(self, _address):
                ours.recv(64)
                raise PermissionError(errno.EACCES, "privileged")

        ours.send(b"")
        theirs.send(b"x")
        theirs.recv(1)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(PermissionError):
            binding.bind(Refusing(), parse(address(free_port)), address(free_port), binder=theirs)
    ours.close()


def test_an_answer_that_comes_late_is_not_taken_for_that_of_the_next_request():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(0.01)

    class Refusing:
        fileno = ours.fileno

        def bind(self, _address):
            raise PermissionError(errno.EACCES, "privileged")

    with ours, theirs:
        with pytest.raises(TimeoutError):
            binding.bind(Refusing(), parse(address(80)), address(80), binder=theirs)
        with pytest.raises(OSError, match=r"Broken pipe|not connected"):
            binding.bind(Refusing(), parse(address(81)), address(81), binder=theirs)
