from __future__ import annotations

import pytest

from mobileops.errors import NotFoundError
from mobileops.toolchain.diagnostics import topics
from mobileops.toolchain.spec import load

TOPICS = topics.topics()


def test_every_key_and_permission_is_explained():
    schema = load.plugin_schema()
    assert set(schema["properties"]) <= set(TOPICS)
    assert {entry.name for entry in load.entries(load.catalogue())} <= set(TOPICS)
    assert {"hooks.pre_start", "configuration_schema.secret", "ui.panels.kind", "assets.digest"} <= set(TOPICS)
    assert [name for name, topic in TOPICS.items() if not topic.summary] == []


def test_a_key_has_default_rules_examples_and_members():
    topic = topics.explain("permissions")
    assert topic.kind == "key of plugin.json, list of strings"
    assert {"default", "rule", "example"} <= {label for label, _ in topic.facts}
    assert "network.http" in dict(topic.members)


def test_an_enumeration_explains_its_values():
    topic = topics.explain("type")
    assert "required, one of service" in topic.kind
    assert "Base class ServicePlugin" in dict(topic.members)["service"]


def test_a_permission_with_its_value_is_that_permission():
    assert topics.explain("network.http:api.example.com") == topics.explain('"network.http"')
    assert dict(topics.explain("network.http").facts)["enforced by"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("permision", "permissions"), ("hooks.prestart", "hooks.pre_start"), ("Netwrk.http", "network.http")],
)
def test_a_misspelt_name_is_suggested(word, meant):
    with pytest.raises(NotFoundError) as caught:
        topics.explain(word)
    assert caught.value.code == "MOP7020"
    assert f"did you mean {meant!r}" in str(caught.value.fix)


def test_a_name_like_nothing_else_points_to_the_list():
    with pytest.raises(NotFoundError, match="no key or permission"):
        topics.explain("@" * 1000)
