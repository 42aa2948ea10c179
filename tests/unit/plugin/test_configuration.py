"""`mobileops.plugin.configuration`: three layers, later ones win."""

from __future__ import annotations

import pytest

from mobileops.plugin.configuration import layered


def test_the_ini_file_lies_under_the_manifest_and_settings_on_top() -> None:
    ini = "[plugin]\nendpoint = from-ini\nregion = eu\nretries = 1\n"
    assert layered(ini, {"endpoint": "from-manifest", "retries": 3}, {"retries": 9}) == {
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
    manifest = {"list": [1]}
    layered(None, manifest, {})["list"].append(2)
    assert manifest == {"list": [1]}
