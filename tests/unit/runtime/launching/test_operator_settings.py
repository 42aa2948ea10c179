from __future__ import annotations

import json

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.launching.operator_settings import OperatorSettings, load


def written(tmp_path, **document):
    path = tmp_path / "isolation.json"
    path.write_text(json.dumps(document))
    return path


def test_without_a_file_nothing_weaker_is_accepted_and_nothing_more_demanded(tmp_path):
    assert load(tmp_path / "isolation.json") == OperatorSettings("full", require_cgroup=False)


def test_what_the_operator_decided_is_read(tmp_path):
    path = written(tmp_path, version=1, min_isolation="no-namespace", require_cgroup=True)
    assert load(path) == OperatorSettings("no-namespace", require_cgroup=True)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "'version'"),
        ({"version": 2}, "'version'"),
        ({"version": True}, "'version'"),
        ({"version": 1, "requires_cgroup": True}, "'requires_cgroup' is not known"),
        ({"version": 1, "require_cgroup": 1}, "'require_cgroup' is 1"),
        ({"version": 1, "require_cgroup": "yes"}, "'require_cgroup' is 'yes'"),
        ({"version": 1, "min_isolation": "none"}, "'min_isolation' is 'none'"),
    ],
)
def test_what_is_misspelt_is_refused(tmp_path, document, said):
    with pytest.raises(IsolationRefused) as caught:
        load(written(tmp_path, **document))
    assert caught.value.code == "MOP4201"
    assert said in caught.value.what


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1, "version": 1}'])
def test_what_is_no_object_of_json_is_refused(tmp_path, text):
    path = tmp_path / "isolation.json"
    path.write_text(text)
    with pytest.raises(IsolationRefused):
        load(path)


def test_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(IsolationRefused, match="cannot be read"):
        load(tmp_path)
