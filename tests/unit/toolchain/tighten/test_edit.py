"""`mobileops.toolchain.tighten.edit`: another list, and not a byte else."""

from __future__ import annotations

import pytest

from mobileops.errors import MobileOpsError
from mobileops.manifest import Permission
from mobileops.toolchain.tighten.edit import replaced


def edited(text, *permissions, name="plugin.json"):
    return replaced(name, text, [Permission.parse(one) for one in permissions])


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
        ("permissions: [network, ui.render]\nb: 2\n", ["ui.render"], 'permissions: ["ui.render"]\nb: 2\n'),
    ],
)  # fmt: skip
def test_the_rest_of_a_yaml_text_stays(text, permissions, expected):
    assert edited(text, *permissions, name="plugin.yaml") == expected


def test_a_text_that_cannot_be_edited_is_left_alone():
    with pytest.raises(MobileOpsError) as caught:
        edited('{"permissions": []}', "ui.render")
    assert caught.value.code == "MOP4323"
    assert '["ui.render"]' in caught.value.fix
