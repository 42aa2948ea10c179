from __future__ import annotations

import errno
import ipaddress
import socket
import struct

import pytest

from mobileops.runtime.broker import addresses


def sockaddr(literal, port=80, *, scope=0):
    if ":" in literal:
        packed = socket.inet_pton(socket.AF_INET6, literal)
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + packed + struct.pack("=I", scope)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(literal) + bytes(8)


@pytest.mark.parametrize("literal", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "1.1.1.1", "11.0.0.2"])
def test_global_unicast_is_public(literal):
    assert addresses.is_public(ipaddress.ip_address(literal))


@pytest.mark.parametrize(
    "literal",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254", "172.16.0.1",  # noqa: S104 (what must be refused)
        "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.251", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "fe80::1", "fd00:ec2::254", "fc00::1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1",
        "2002:7f00:1::", "2002:808:808::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "3fff::1",
    ],
)  # fmt: skip
def test_what_is_not_routed_to_everybody_is_not_public(literal):
    assert not addresses.is_public(ipaddress.ip_address(literal))


def test_an_ipv4_address_in_ipv6_clothes_is_an_ipv4_address():
    endpoint = addresses.parse(sockaddr("::ffff:127.0.0.1"))
    assert (endpoint.address, endpoint.family) == (ipaddress.ip_address("127.0.0.1"), socket.AF_INET6)
    assert endpoint.for_socket() == ("::ffff:127.0.0.1", 80, 0, 0)


def test_an_address_is_read_as_it_was_written():
    endpoint = addresses.parse(sockaddr("8.8.4.4", 65535))
    assert (str(endpoint), endpoint.for_socket()) == ("8.8.4.4:65535", ("8.8.4.4", 65535))
    assert str(addresses.parse(sockaddr("2606::1", 1))) == "[2606::1]:1"


def test_a_scope_is_kept_for_link_local_addresses_alone():
    assert addresses.parse(sockaddr("fe80::1", scope=3)).scope == 3
    assert addresses.parse(sockaddr("2606::1", scope=3)).scope == 0


@pytest.mark.parametrize("raw", [b"", b"\2", bytes(16), sockaddr("8.8.8.8")[:15], sockaddr("2606::1")[:23], b"\1\0/x"])
def test_what_is_no_whole_address_is_none(raw):
    assert addresses.parse(raw) is None


def test_only_addresses_of_this_host_are_its_own():
    assert addresses.is_own(ipaddress.ip_address("127.0.0.1"))
    assert not addresses.is_own(ipaddress.ip_address("192.0.2.1"))


def test_an_address_that_cannot_be_tried_is_taken_for_own(monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.EMFILE, "no descriptor left")

    monkeypatch.setattr(addresses.socket, "socket", fail)
    assert addresses.is_own(ipaddress.ip_address("192.0.2.1"))
