"""`mobileops.toolchain.tighten.edit`: another list, and not a byte else."""

from __future__ import annotations

import pytest

from mobileops.errors import MobileOpsError
from mobileops.toolchain.tighten.edit import replaced


def edited(text, *permissions, name="plugin.json", became=()):
    return replaced(name, text, permissions=permissions, became=dict(became))


MANY = '{\n  "z": 1,\n  "permissions": [\n    "network",\n    "filesystem.read"\n  ],\n  "a": 2\n}\n'


@pytest.mark.parametrize(
    ("text", "permissions", "expected"),
    [
        (MANY, ["network.http", "system.process"],
         MANY.replace('"network"', '"network.http"').replace('"filesystem.read"', '"system.process"')),
        (MANY, ["network.http"], MANY.replace('"network",\n    "filesystem.read"', '"network.http"')),
        (MANY, [], MANY.replace('[\n    "network",\n    "filesystem.read"\n  ]', "[]")),
        ('{"permissions": ["network"], "a": 1}', ["network.http", "ui.render"],
         '{"permissions": ["network.http", "ui.render"], "a": 1}'),
        ('{"permissions": [\n\t"network"\n]}', ["network.http", "ui.render"],
         '{"permissions": [\n\t"network.http",\n\t"ui.render"\n]}'),
        ('{\r\n"permissions": [ "network" , "ui.render" ]\r\n}', ["ui.render"],
         '{\r\n"permissions": [ "ui.render" ]\r\n}'),
    ],
)  # fmt: skip
def test_the_rest_of_a_json_text_stays(text, permissions, expected):
    assert edited(text, *permissions) == expected


@pytest.mark.parametrize(
    ("text", "permissions", "expected"),
    [
        ("a: 1  # first\npermissions:\n  - network\n  - ui.render\nb: 2\n", ["network.http", "ui.render"],
         "a: 1  # first\npermissions:\n  - network.http\n  - ui.render\nb: 2\n"),
        ("permissions:\n- network\nb: 2\n", ["filesystem.read:/a", "filesystem.read:/b"],
         "permissions:\n- filesystem.read:/a\n- filesystem.read:/b\nb: 2\n"),
        ("permissions:\n- network\nb: 2\n", [], "permissions: []\nb: 2\n"),
        ("permissions:\n  # two\n  - network  # all\n  - ui.render  # panels\n", ["network.http", "ui.render"],
         "permissions:\n  # two\n  - network.http\n  - ui.render  # panels\n"),
        ("permissions: [network, ui.render]\nb: 2\n", ["ui.render"], "permissions: [ui.render]\nb: 2\n"),
    ],
)  # fmt: skip
def test_the_rest_of_a_yaml_text_stays(text, permissions, expected):
    assert edited(text, *permissions, name="plugin.yaml") == expected


def test_a_text_that_cannot_be_edited_is_left_alone():
    with pytest.raises(MobileOpsError) as caught:
        edited('{"permissions": []}', "ui.render")
    assert caught.value.code == "MOP4323"
    assert '["ui.render"]' in caught.value.fix


REASONED = """{
  "permissions": ["network", "filesystem.read", "ui.render"],
  "permission_reasons": {
    "network": "Asks.",
    "ui.render": "Shows.",
    "filesystem.read": "Reads."
  }
}
"""
BECAME = {"network": [], "filesystem.read": ["filesystem.read:/a", "filesystem.read:/b"], "ui.render": ["ui.render"]}


def test_a_reason_follows_its_permission():
    assert (
        edited(REASONED, "filesystem.read:/a", "filesystem.read:/b", "ui.render", became=BECAME)
        == """{
  "permissions": ["filesystem.read:/a", "filesystem.read:/b", "ui.render"],
  "permission_reasons": {
    "ui.render": "Shows.",
    "filesystem.read:/a": "Reads.",
    "filesystem.read:/b": "Reads."
  }
}
"""
    )


def test_the_last_reason_leaves_an_empty_object():
    text = '{"permissions": ["network"], "permission_reasons": {"network": "Asks."}, "a": 1}'
    expected = '{"permissions": [], "permission_reasons": {}, "a": 1}'
    assert edited(text, became={"network": []}) == expected


def test_reasons_in_yaml_keep_their_comments():
    text = (
        "permissions:\n  - network\n  - ui.render\npermission_reasons:\n  network: Asks.\n  ui.render: Shows.  # one\n"
    )
    expected = "permissions:\n  - ui.render\npermission_reasons:\n  ui.render: Shows.  # one\n"
    assert edited(text, "ui.render", name="plugin.yaml", became={"network": []}) == expected
    gone = "permissions: []\npermission_reasons: {}\n"
    assert edited(text, name="plugin.yaml", became={"network": [], "ui.render": []}) == gone
