"""`mobileops.runtime.permissions.difference`: lists of permissions by what they allow."""

from __future__ import annotations

import pytest

from mobileops.manifest import Permission
from mobileops.runtime.permissions.difference import differences


def changes(old, new):
    sides = [[Permission.parse(text) for text in side.split()] for side in (old, new)]
    return [(one.kind, " ".join(map(str, one.before)), " ".join(map(str, one.after))) for one in differences(*sides)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("network", "network", []),
        ("", "network.http", [("added", "", "network.http")]),
        ("network.http", "", [("removed", "network.http", "")]),
        ("network.http:a.example.com", "network", [("widened", "network.http:a.example.com", "network")]),
        ("filesystem.read", "filesystem.read:/b filesystem.read:/a",
         [("narrowed", "filesystem.read", "filesystem.read:/a filesystem.read:/b")]),
        ("network network.http", "network", []),
        ("network", "network network.tcp:443", []),
        ("network", "network.udp:a.example.com:53",
         [("added", "", "network.udp:a.example.com:53"), ("removed", "network", "")]),
    ],
)  # fmt: skip
def test_lists_are_compared_by_what_they_allow(old, new, expected):
    assert changes(old, new) == expected


def test_only_what_is_added_or_widened_allows_more():
    assert [one.allows_more for one in differences([], [Permission("network")])] == [True]
    assert [one.allows_more for one in differences([Permission("network")], [])] == [False]
