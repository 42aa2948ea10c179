"""Planning and writing a migration."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import HostFault, ManifestError, MobileOpsError
from mobileops.runtime import durable
from mobileops.toolchain import migrate
from mobileops.toolchain._resources import schema_root

if TYPE_CHECKING:
    from pathlib import Path

VALID = schema_root() / "examples" / "valid"
BARE = """# Who may use it
---
name: my-plugin   # as in the store
version: "1.0.0"
description: Example
author: Somebody
license: MIT
type: service
entry_point: main.py
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a folder with the mission's manifest, which states no format."""
    shutil.copy(VALID / "mission.json", tmp_path / "plugin.json")
    return tmp_path


def refusal(folder: Path) -> MobileOpsError:
    with pytest.raises(MobileOpsError) as caught:
        migrate.plan(folder)
    assert caught.value.exit_code == 1
    return caught.value


def test_the_missions_manifest_gets_two_lines_and_keeps_the_rest(bare: Path) -> None:
    before = (bare / "plugin.json").read_text(encoding="utf-8")
    migrated = migrate.plan(bare)
    added = [line for line in migrated.diff.splitlines()[2:] if line.startswith(("+", "-"))]
    assert [line.split(":")[0] for line in added] == ['+    "$schema"', '+    "manifest_version"']
    assert migrated.after.replace("".join(f"{line[1:]}\n" for line in added), "") == before
    assert list(json.loads(migrated.after))[2:] == list(json.loads(before))


def test_scoped_permissions_are_suggestions(bare: Path) -> None:
    suggestions = "\n".join(migrate.plan(bare).suggestions)
    assert "network.http:api.example.com" in suggestions
    assert "filesystem.read" in suggestions


def test_a_plan_writes_nothing_and_a_second_run_does_nothing(bare: Path) -> None:
    before = (bare / "plugin.json").read_bytes()
    migrated = migrate.plan(bare)
    assert (bare / "plugin.json").read_bytes() == before
    migrate.write(migrated)
    again = migrate.plan(bare)
    assert (again.applied, again.diff) == ((), "")


def test_yaml_keeps_its_comments(tmp_path: Path) -> None:
    (tmp_path / "plugin.yaml").write_text(BARE, encoding="utf-8")
    migrate.write(migrate.plan(tmp_path))
    after = (tmp_path / "plugin.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line not in BARE.splitlines()] == after[2:4]
    assert [line.split(":")[0] for line in after[2:5]] == ["$schema", "manifest_version", "name"]
    assert migrate.plan(tmp_path).applied == ()


@pytest.mark.parametrize("example", sorted(VALID.glob("*.json")), ids=lambda path: path.stem)
def test_every_valid_example_can_be_migrated(tmp_path: Path, example: Path) -> None:
    shutil.copy(example, tmp_path / "plugin.json")
    migrate.write(migrate.plan(tmp_path))
    assert migrate.plan(tmp_path).applied == ()


def test_the_mode_of_the_file_is_kept(bare: Path) -> None:
    (bare / "plugin.json").chmod(0o640)
    migrate.write(migrate.plan(bare))
    assert (bare / "plugin.json").stat().st_mode & 0o777 == 0o640


def test_what_the_newest_schema_refuses_is_for_the_author_to_decide(bare: Path) -> None:
    document = json.loads((bare / "plugin.json").read_bytes()) | {"version": "1.0", "licence": "MIT"}
    (bare / "plugin.json").write_text(json.dumps(document), encoding="utf-8")
    error = refusal(bare)
    assert isinstance(error, ManifestError)
    assert {finding.where.partition("#")[2] for finding in error.findings} == {"/version", "/licence"}


def test_two_manifests_are_for_the_author_to_decide(bare: Path) -> None:
    (bare / "plugin.yaml").write_text(BARE, encoding="utf-8")
    assert refusal(bare).code == "MOP7134"


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "MOP7133"


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "huge"])
def test_what_is_no_file_of_bounded_size_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "plugin.json"
    if kind == "link":
        path.symlink_to(VALID / "mission.json")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b" " * ((1 << 20) + 1))
    assert refusal(tmp_path).code == "MOP7135"


def test_a_manifest_changed_after_the_plan_is_not_overwritten(bare: Path) -> None:
    migrated = migrate.plan(bare)
    (bare / "plugin.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MobileOpsError) as caught:
        migrate.write(migrated)
    assert caught.value.code == "MOP7136"
    assert (bare / "plugin.json").read_text(encoding="utf-8") == "{}"


def test_a_full_disk_is_the_hosts_fault(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    migrated = migrate.plan(bare)
    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(HostFault) as caught:
        migrate.write(migrated)
    assert caught.value.code == "MOP7137"


def test_a_last_line_without_an_end_is_shown_as_such(tmp_path: Path) -> None:
    document = json.loads((VALID / "minimal.json").read_bytes())
    (tmp_path / "plugin.json").write_text(json.dumps(document), encoding="utf-8")
    assert migrate.plan(tmp_path).diff.count("\\ No newline at end of file") == 2
