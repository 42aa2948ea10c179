"""Grants are compiled from permissions, so that text and verdict are held against each other."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from mobileops.manifest.permissions import Permission
from mobileops.runtime.broker.addresses import Endpoint
from mobileops.runtime.broker.judge import Judge
from mobileops.runtime.broker.names import Names
from mobileops.runtime.isolation.network import NetworkGrants
from mobileops.runtime.isolation.policy import compile_policy

OWN = ipaddress.ip_address("11.0.0.1")


def judge(*permissions, **names):
    resources = SimpleNamespace(memory_bytes=1, processes=2, open_files=3, file_size_bytes=4, cpu=1)
    manifest = SimpleNamespace(name="p", permissions=tuple(map(Permission.parse, permissions)), resources=resources)
    grants = compile_policy(manifest, app=Path("/a"), data=Path("/d"), uid=None).network or NetworkGrants()
    known = Names()
    for name, literal in names.items():
        known.learn(name.replace("_", "."), [ipaddress.ip_address(literal)])
    return Judge(grants, known, own=lambda address: address == OWN or address.is_loopback)


def at(literal, port):
    address = ipaddress.ip_address(literal)
    return Endpoint(socket.AF_INET if address.version == 4 else socket.AF_INET6, address, port)


def reaches(decider, literal, port, protocol="tcp"):
    return decider.reach(protocol, at(literal, port)).allowed


@pytest.mark.parametrize(
    ("permission", "allowed", "refused"),
    [
        ("network", [("8.8.8.8", 1), ("2606::1", 65535)], []),
        ("network.http", [("8.8.8.8", 80), ("8.8.8.8", 443)], [("8.8.8.8", 8080), ("8.8.8.8", 22)]),
        ("network.tcp:8080", [("8.8.8.8", 8080)], [("8.8.8.8", 80)]),
        ("network.tcp:11.0.0.2:5432", [("11.0.0.2", 5432)], [("11.0.0.3", 5432), ("11.0.0.2", 5433)]),
        ("network.http:11.0.0.2", [("11.0.0.2", 80)], [("11.0.0.2", 8080), ("11.0.0.3", 80)]),
        ("network.tcp:[2606::1]:5432", [("2606::1", 5432)], [("2606::2", 5432)]),
    ],
)
def test_a_permission_opens_its_hosts_and_ports_and_no_others(permission, allowed, refused):
    assert all(reaches(judge(permission), *target) for target in allowed)
    assert not any(reaches(judge(permission), *target) for target in refused)
    assert not any(reaches(judge(permission), *target, "udp") for target in [*allowed, *refused])


def test_without_a_permission_nothing_is_reached():
    assert not reaches(judge(), "8.8.8.8", 80)
    assert not reaches(judge("network.listen:80", "network.udp:11.0.0.2:80"), "11.0.0.2", 80)


def test_udp_is_its_own_permission():
    decider = judge("network.udp:11.0.0.2:123")
    assert reaches(decider, "11.0.0.2", 123, "udp")
    assert not reaches(decider, "11.0.0.2", 124, "udp")
    assert not reaches(decider, "11.0.0.2", 123, "tcp")


@pytest.mark.parametrize("literal", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254", "::1", "fe80::1"])
@pytest.mark.parametrize("permission", ["network", "network.http", "network.tcp:80"])
def test_an_address_that_is_not_public_is_refused_unless_it_is_spelled(permission, literal):
    assert not reaches(judge(permission), literal, 80)
    spelled = f"[{literal}]" if ":" in literal else literal
    assert reaches(judge(permission, f"network.tcp:{spelled}:80"), literal, 80)


def test_the_own_public_address_of_the_host_is_refused_unless_it_is_spelled():
    assert not reaches(judge("network"), "11.0.0.1", 80)
    assert reaches(judge("network.tcp:11.0.0.1:80"), "11.0.0.1", 80)


@pytest.mark.parametrize("literal", ["0.0.0.0", "::"])  # noqa: S104 (what must be refused)
def test_no_address_is_refused_even_when_it_is_spelled(literal):
    spelled = f"[{literal}]" if ":" in literal else literal
    assert not reaches(judge("network", f"network.tcp:{spelled}:80"), literal, 80)


def test_localhost_is_the_two_loopback_addresses():
    decider = judge("network.tcp:localhost:5432")
    assert reaches(decider, "127.0.0.1", 5432)
    assert reaches(decider, "::1", 5432)
    assert not reaches(decider, "127.0.0.2", 5432)


def test_a_name_opens_the_addresses_that_it_resolved_to():
    decider = judge("network.http:api.example.com", api_example_com="11.0.0.2", other_example_com="11.0.0.3")
    assert reaches(decider, "11.0.0.2", 443)
    assert not reaches(decider, "11.0.0.3", 443)
    assert not reaches(decider, "11.0.0.2", 22)
    assert not reaches(decider, "11.0.0.4", 443)


def test_a_wildcard_opens_what_names_below_it_resolved_to():
    decider = judge("network.http:*.example.com", api_example_com="11.0.0.2", example_com="11.0.0.3")
    assert reaches(decider, "11.0.0.2", 80)
    assert not reaches(decider, "11.0.0.3", 80)


@pytest.mark.parametrize("literal", ["127.0.0.1", "169.254.169.254", "10.1.1.1", "11.0.0.1"])
def test_rebinding_a_name_to_an_address_that_is_not_public_opens_nothing(literal):
    decider = judge("network.http:api.example.com", api_example_com=literal)
    verdict = decider.reach("tcp", at(literal, 80))
    assert (verdict.allowed, verdict.permission) == (False, "network.http:api.example.com")
    assert "not a public address" in verdict.reason


def test_an_allowed_connection_names_its_permission():
    decider = judge("network.tcp:22", "network.http:api.example.com", api_example_com="11.0.0.2")
    verdict = decider.reach("tcp", at("11.0.0.2", 443))
    assert (verdict.permission, verdict.name) == ("network.http:api.example.com", "api.example.com")


def test_granted_names_are_resolved_and_no_others():
    decider = judge("network.http:api.example.com", "network.udp:*.ntp.org:123")
    assert [decider.may_resolve(name).allowed for name in ("api.example.com", "0.ntp.org")] == [True, True]
    assert [decider.may_resolve(name).allowed for name in ("example.com", "ntp.org", "")] == [False, False, False]


def test_a_permission_without_a_host_resolves_every_name():
    assert judge("network.tcp:22").may_resolve("anything.example").allowed


def test_only_listening_resolves_no_name():
    assert not judge("network.listen:8080").may_resolve("example.com").allowed


def test_only_addresses_that_could_be_reached_are_answered():
    decider = judge("network.http:api.example.com", "network.tcp:10.0.0.5:443", "network.tcp:localhost:1")
    answered = {
        literal: decider.may_answer("api.example.com", ipaddress.ip_address(literal))
        for literal in ("8.8.8.8", "10.0.0.5", "10.0.0.6", "127.0.0.1")
    }
    assert answered == {"8.8.8.8": True, "10.0.0.5": True, "10.0.0.6": False, "127.0.0.1": False}
    assert decider.may_answer("localhost", ipaddress.ip_address("127.0.0.1"))
    assert not decider.may_answer("localhost", ipaddress.ip_address("8.8.8.8"))


def test_listening_is_granted_by_port():
    assert judge("network.listen:8080").may_listen(8080).permission == "network.listen:8080"
    assert not judge("network.listen:8080").may_listen(8081).allowed
    assert not judge("network").may_listen(8080).allowed
