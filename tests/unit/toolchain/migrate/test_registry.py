"""The migrations: in order, idempotent, and without guesses."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.errors import ManifestError
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.migrate import registry, text
from mobileops.toolchain.spec import load

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted((schema_root() / "examples" / "valid").glob("*.json"))


def test_the_migrations_make_a_chain_from_nothing_to_the_newest_format() -> None:
    assert registry.MIGRATIONS[0].source == 0
    for earlier, later in itertools.pairwise(registry.MIGRATIONS):
        assert earlier.target == later.source
    newest = load.plugin_schema()["properties"][registry.VERSION_KEY]["const"]
    assert registry.MIGRATIONS[-1].target == newest


def test_the_schema_that_is_written_is_the_one_that_ships() -> None:
    assert load.plugin_schema()["$id"] == registry.SCHEMA_V1


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("migration", registry.MIGRATIONS, ids=lambda step: f"{step.source}-{step.target}")
def test_a_migration_of_its_own_result_changes_nothing(migration: registry.Migration, example: Path) -> None:
    once = migration.apply(text.read("plugin.json", example.read_bytes()))
    assert registry.version_of(once.document, where="plugin.json") == migration.target
    assert migration.apply(once) == once


@pytest.mark.parametrize(
    ("document", "version"),
    [
        ({}, 0),
        ({"$schema": registry.SCHEMA_V1}, 0),
        ({"manifest_version": 1}, 0),
        ({"$schema": registry.SCHEMA_V1, "manifest_version": 1}, 1),
        ({"$schema": "https://mirror.example.com/plugin.json", "manifest_version": 1}, 1),
    ],
)
def test_a_manifest_that_does_not_say_everything_is_at_version_0(document: dict[str, Any], version: int) -> None:
    assert registry.version_of(document, where="plugin.json") == version


@pytest.mark.parametrize("stated", [0, 2, -1, "1", 1.5, True, None, []])
def test_an_unknown_version_is_not_guessed(stated: object) -> None:
    with pytest.raises(ManifestError) as caught:
        registry.version_of({"manifest_version": stated}, where="plugin.json")
    assert (caught.value.code, caught.value.exit_code) == ("MOP1120", 1)


def test_a_version_of_any_length_gets_a_short_answer() -> None:
    for document in (
        {"manifest_version": "9" * 100_000},
        {"$schema": "https://mobileops.dev/schema/plugin/v999999999/x"},
    ):
        with pytest.raises(ManifestError) as caught:
            registry.version_of(document, where="plugin.json")
        assert len(caught.value.what) < 80
    assert registry.version_of({"$schema": f"https://mobileops.dev/schema/plugin/v{'9' * 10_000}/"}, where="p") == 0


@pytest.mark.parametrize("version", [1, None])
def test_a_schema_and_a_version_that_disagree_are_for_the_author_to_decide(version: int | None) -> None:
    document = {"$schema": registry.SCHEMA_V1.replace("/v1/", "/v2/")}
    with pytest.raises(ManifestError) as caught:
        registry.version_of(document | ({"manifest_version": version} if version else {}), where="plugin.json")
    assert caught.value.code == "MOP1120"


@pytest.mark.parametrize(
    ("permission", "address", "suggested"),
    [
        ("network", "https://api.example.com", "network.http:api.example.com"),
        ("network.http", "HTTP://API.example.com:80/x", "network.http:api.example.com"),
        ("network", "https://api.example.com:8443/", "network.tcp:api.example.com:8443"),
        ("network.http:api.example.com", "https://api.example.com", None),
        ("network", "postgres://db.example.com", None),
        ("network", "https://user:secret@example.com/", None),
    ],
)
def test_a_narrower_permission_is_suggested_from_the_configuration(
    permission: str, address: str, suggested: str | None
) -> None:
    document = {"permissions": [permission], "configuration": {"endpoint": address, "retries": 3}}
    hints = [hint for step in registry.MIGRATIONS for hint in step.suggest(document)]
    assert [f"'{suggested}'" in hint for hint in hints] == ([True] if suggested else [])


@pytest.mark.parametrize("document", [{}, {"permissions": "network"}, {"permissions": ["network"], "configuration": 1}])
def test_a_manifest_of_any_shape_can_be_asked_for_suggestions(document: dict[str, Any]) -> None:
    assert not [hint for step in registry.MIGRATIONS for hint in step.suggest(document)]


def test_permissions_are_never_changed() -> None:
    document = json.loads((schema_root() / "examples" / "valid" / "mission.json").read_bytes())
    migrated = text.read("plugin.json", json.dumps(document).encode())
    for migration in registry.MIGRATIONS:
        migrated = migration.apply(migrated)
    assert migrated.document["permissions"] == document["permissions"]
