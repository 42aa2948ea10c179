"""`mobileops.plugin.configuration`: four layers, later ones win."""

from __future__ import annotations

import pytest

from mobileops.plugin.configuration import layered


def test_the_ini_file_lies_under_the_manifest_and_settings_on_top() -> None:
    ini = "[plugin]\nendpoint = from-ini\nregion = eu\nretries = 1\n"
    assert layered(ini, {"configuration": {"endpoint": "from-manifest", "retries": 3}}, {"retries": 9}) == {
        "endpoint": "from-manifest",
        "region": "eu",
        "retries": 9,
    }


def test_ini_values_stay_text() -> None:
    assert layered("[DEFAULT]\na = 5\nb = yes\n", {}, {}) == {"a": "5", "b": "yes"}


def test_other_sections_become_mappings_without_the_defaults() -> None:
    assert layered("[DEFAULT]\nx = 1\n[server]\nPort = 80\n", {}, {}) == {"x": "1", "server": {"Port": "80"}}


def test_a_broken_ini_file_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"default\.conf"):
        layered("not an ini file", {}, {})


def test_layers_are_copied() -> None:
    manifest = {"configuration": {"list": [1]}}
    layered(None, manifest, {})["list"].append(2)
    assert manifest == {"configuration": {"list": [1]}}


def test_defaults_of_definitions_lie_below_everything() -> None:
    definitions = {"a": {"type": "integer", "default": 1}, "b": {"type": "integer", "default": 1}}
    document = {"configuration": {"b": 2}, "configuration_schema": definitions}
    assert layered(None, document, {}) == {"a": 1, "b": 2}
    assert layered("[plugin]\na = 5\nb = 5\n", document, {}) == {"a": 5, "b": 2}


def test_ini_values_with_a_definition_are_of_its_type() -> None:
    document = {"configuration_schema": {"on": {"type": "boolean"}, "hosts": {"type": "object"}}}
    assert layered("[plugin]\non = true\n[hosts]\nx = 1\n", document, {}) == {"on": True, "hosts": {"x": "1"}}
    with pytest.raises(ValueError, match=r"default\.conf: 'on': true or false is needed"):
        layered("[plugin]\non = perhaps\n", document, {})
