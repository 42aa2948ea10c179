"""Updates from a template, with a changed copy of the template."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import MobileOpsError, UsageError
from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import creation, record, replacing, update
from mobileops.toolchain.scaffold.update import Action

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """Return a plugin made from the template as it is."""
    return scaffold.create("my-plugin", "service", parent=tmp_path, answers={"author": "Somebody"}).path


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the files of the template in a copy that the next update uses."""
    root = tmp_path / "templates"
    shutil.copytree(cookiecutters_root(), root)
    for module in (creation, update):
        monkeypatch.setattr(module, "cookiecutters_root", lambda: root)
    return root / "service" / "{{cookiecutter.name}}"


def edit(folder: Path, name: str, *, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def actions(planned: scaffold.Update) -> dict[str, Action]:
    return {change.path: change.action for change in planned.changes}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_plugin_is_up_to_date(plugin: Path) -> None:
    planned = scaffold.plan(plugin)
    assert (planned.template, planned.changes, planned.record) == ("service", (), None)


def test_an_authors_own_changes_are_no_update(plugin: Path) -> None:
    edit(plugin, "main.py", old="self.rounds += 1", new="self.rounds += 2")
    (plugin / "README.md").unlink()
    (plugin / "own.py").touch()
    assert scaffold.plan(plugin).changes == ()


def test_what_the_template_changed_added_and_removed_is_taken(plugin: Path, template: Path) -> None:
    edit(template, "README.md", old="Where to begin", new="Where to start")
    (template / "NOTICE").write_text("by {{ cookiecutter.author }}\n", encoding="utf-8")
    (template / "docs" / "index.md").unlink()
    planned = scaffold.plan(plugin)
    assert actions(planned) == {"NOTICE": Action.ADD, "README.md": Action.UPDATE, "docs/index.md": Action.REMOVE}
    scaffold.apply(planned)
    assert (plugin / "NOTICE").read_text(encoding="utf-8") == "by Somebody\n"
    assert "Where to start" in (plugin / "README.md").read_text(encoding="utf-8")
    assert not (plugin / "docs" / "index.md").exists()


def test_changes_of_both_in_different_places_are_merged(plugin: Path, template: Path) -> None:
    edit(plugin, "main.py", old="self.rounds += 1", new="self.rounds += 2")
    edit(template, "main.py", old="from lib.records import tidy", new="from lib.records import tidy  # the rules")
    planned = scaffold.plan(plugin)
    assert actions(planned) == {"main.py": Action.MERGE}
    scaffold.apply(planned)
    text = (plugin / "main.py").read_text(encoding="utf-8")
    assert "self.rounds += 2" in text
    assert "# the rules" in text


def test_an_update_repeated_has_nothing_to_do(plugin: Path, template: Path) -> None:
    edit(plugin, "main.py", old="self.rounds += 1", new="self.rounds += 2")
    edit(template, "main.py", old="import threading", new="import threading  # for stop()")
    scaffold.apply(scaffold.plan(plugin))
    again = scaffold.plan(plugin)
    assert (again.changes, again.record) == ((), None)


def test_an_update_cut_off_before_the_record_can_be_repeated(plugin: Path, template: Path) -> None:
    edit(template, "main.py", old="import threading", new="import threading  # for stop()")
    planned = scaffold.plan(plugin)
    replacing.replace(plugin, {change.path: change.after for change in planned.changes})
    again = scaffold.plan(plugin)
    assert again.changes == ()
    assert again.record == planned.record


def test_the_same_line_changed_by_both_is_a_conflict(plugin: Path, template: Path) -> None:
    edit(plugin, "main.py", old="self.rounds += 1", new="self.rounds += 2")
    edit(template, "main.py", old="self.rounds += 1", new="self.rounds += 3")
    (conflict,) = scaffold.plan(plugin).conflicts
    assert conflict.path == "main.py"
    assert b"<<<<<<< yours" in (conflict.after or b"")


def test_a_file_that_the_template_removed_and_the_author_changed_is_a_conflict(plugin: Path, template: Path) -> None:
    edit(plugin, "docs/index.md", old="# my-plugin", new="# My plugin")
    (template / "docs" / "index.md").unlink()
    (conflict,) = scaffold.plan(plugin).conflicts
    assert (conflict.path, conflict.after) == ("docs/index.md", (plugin / "docs" / "index.md").read_bytes())


def test_a_file_that_both_added_is_a_conflict_unless_it_is_the_same(plugin: Path, template: Path) -> None:
    (template / "NOTICE").write_text("theirs\n", encoding="utf-8")
    (plugin / "NOTICE").write_text("mine\n", encoding="utf-8")
    assert actions(scaffold.plan(plugin)) == {"NOTICE": Action.CONFLICT}
    (plugin / "NOTICE").write_text("theirs\n", encoding="utf-8")
    assert scaffold.plan(plugin).changes == ()


def test_a_file_that_the_author_removed_stays_removed(plugin: Path, template: Path) -> None:
    (plugin / "docs" / "index.md").unlink()
    edit(template, "docs/index.md", old="Meaning", new="What it means")
    assert scaffold.plan(plugin).changes == ()


def test_a_merge_that_breaks_the_manifests_json_is_a_conflict(plugin: Path, template: Path) -> None:
    edit(plugin, "plugin.json", old='"permissions": [],\n', new='"permissions": [\n    ],\n')
    edit(plugin, "plugin.json", old='    "compatibility": {', new='    "keywords": ["x"],\n    "compatibility": {')
    edit(
        template,
        "plugin.json",
        old='"python_version": ">=3.11"\n    }\n}',
        new='"python_version": ">=3.11"\n    },\n    "keywords": ["x"]\n}',
    )
    (conflict,) = scaffold.plan(plugin).conflicts
    assert conflict.why == "merged, it would no longer be JSON"


def test_a_plan_writes_nothing(plugin: Path, template: Path) -> None:
    edit(template, "main.py", old="import threading", new="import threading  # for stop()")
    before = contents(plugin)
    scaffold.plan(plugin)
    assert contents(plugin) == before


def test_a_file_changed_after_the_plan_is_not_overwritten(plugin: Path, template: Path) -> None:
    edit(template, "main.py", old="import threading", new="import threading  # for stop()")
    planned = scaffold.plan(plugin)
    (plugin / "main.py").write_text("mine now\n", encoding="utf-8")
    with pytest.raises(MobileOpsError) as caught:
        scaffold.apply(planned)
    assert caught.value.code == "MOP7114"
    assert (plugin / "main.py").read_text(encoding="utf-8") == "mine now\n"


def test_the_updated_plugin_has_no_findings_left_behind(plugin: Path, template: Path) -> None:
    edit(template, "README.md", old="Where to begin", new="Where to start")
    scaffold.apply(scaffold.plan(plugin))
    assert not [name for name in contents(plugin) if ".mobileops-update" in name]


def test_a_folder_without_a_record_is_refused(plugin: Path) -> None:
    (plugin / record.RECORD_NAME).unlink()
    with pytest.raises(MobileOpsError) as caught:
        scaffold.plan(plugin)
    assert caught.value.code == "MOP7112"


def test_a_template_that_is_gone_is_named(plugin: Path) -> None:
    edit(plugin, record.RECORD_NAME, old='"template": "service"', new='"template": "../service"')
    with pytest.raises(UsageError) as caught:
        scaffold.plan(plugin)
    assert caught.value.code == "MOP7101"


@pytest.mark.parametrize("kind", ["link", "folder link", "folder", "huge"])
def test_a_link_or_a_huge_file_is_not_read(plugin: Path, tmp_path: Path, kind: str) -> None:
    target = plugin / ("lib" if kind == "folder link" else "main.py")
    target.rename(tmp_path / "outside")
    if kind == "folder":
        target.mkdir()
    elif kind == "huge":
        with target.open("wb") as stream:
            stream.truncate(update.MAX_FILE_BYTES + 1)
    else:
        target.symlink_to(tmp_path / "outside")
    with pytest.raises(MobileOpsError) as caught:
        scaffold.plan(plugin)
    assert caught.value.code == "MOP7113"
