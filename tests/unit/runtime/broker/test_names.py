from __future__ import annotations

import ipaddress

from mobileops.runtime.broker import names

ONE, OTHER = ipaddress.ip_address("11.0.0.1"), ipaddress.ip_address("11.0.0.2")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_an_address_belongs_to_every_name_that_resolved_to_it():
    known = names.Names()
    known.learn("a.example", [ONE, OTHER])
    known.learn("b.example", [ONE])
    assert known.of(ONE) == ["a.example", "b.example"]
    assert known.of(OTHER) == ["a.example"]


def test_an_address_is_forgotten_after_its_time():
    clock = Clock()
    known = names.Names(clock=clock)
    known.learn("a.example", [ONE])
    clock.now = names.VALID_S + 1
    assert known.of(ONE) == []


def test_looking_up_again_renews_it():
    clock = Clock()
    known = names.Names(clock=clock)
    for clock.now in (0, names.VALID_S - 1):
        known.learn("a.example", [ONE])
    clock.now = names.VALID_S + 1
    assert known.of(ONE) == ["a.example"]


def test_the_oldest_is_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(names, "NAMES_LIMIT", 1)
    known = names.Names()
    known.learn("a.example", [ONE])
    known.learn("a.example", [OTHER])
    assert (known.of(ONE), known.of(OTHER)) == ([], ["a.example"])


def test_a_wildcard_is_the_names_below_and_not_the_name_itself():
    assert names.matches("*.example.com", "api.example.com")
    assert names.matches("*.example.com", "a.b.example.com")
    assert not names.matches("*.example.com", "example.com")
    assert not names.matches("*.example.com", "badexample.com")
    assert not names.matches("example.com", "api.example.com")
