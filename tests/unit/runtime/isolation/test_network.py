from __future__ import annotations

import json

import pytest

from mobileops.runtime.isolation.network import Destination, NetworkGrants, from_plain, to_plain

EVERYTHING = NetworkGrants(
    tcp=(Destination("network", None, None), Destination("network.http:a.example", "a.example", (80, 443))),
    udp=(
        Destination("network.udp:b.example:123", "b.example", (123,)),
        Destination("network.udp:c.example:53", "c.example", (53,)),
    ),
    listen=(8080,),
)


@pytest.mark.parametrize("grants", [EVERYTHING, NetworkGrants()])
def test_grants_survive_the_way_to_another_process(grants):
    assert from_plain(json.loads(json.dumps(to_plain(grants)))) == grants


def test_the_ports_of_datagrams_are_each_named_once():
    assert EVERYTHING.udp_ports == (53, 123)
