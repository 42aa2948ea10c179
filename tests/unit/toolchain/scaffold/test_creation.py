"""`create`: what is made, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mobileops import manifest
from mobileops.errors import HostFault, MobileOpsError, NotFoundError, UsageError
from mobileops.plugin.kinds import BASE_CLASSES
from mobileops.toolchain import scaffold
from mobileops.toolchain._resources import cookiecutters_root, schema_root
from mobileops.toolchain.scaffold import creation, place

VALID = schema_root() / "examples" / "valid" / "minimal.json"
PERMISSIONS = {"ui": ["ui.render"], "integration": ["network.http:api.example.com"]}
LAYOUT = {
    "plugin.json",
    "main.py",
    "requirements.txt",
    "config/default.conf",
    "README.md",
    ".pluginignore",
    ".gitignore",
    ".github/workflows/plugin.yml",
    ".vscode/settings.json",
    ".mobileops-template.json",
}


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refusal(*args: str, parent: Path, **answers: str) -> MobileOpsError:
    before = everything(parent) if parent.is_dir() else []
    with pytest.raises(MobileOpsError) as caught:
        scaffold.create(*args, parent=parent, answers=answers)
    assert (everything(parent) if parent.is_dir() else []) == before
    return caught.value


def test_every_plugin_type_has_a_template() -> None:
    assert set(scaffold.templates()) == set(BASE_CLASSES)


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_a_template_asks_for_no_more_permissions_than_it_shows_the_use_of(tmp_path: Path, plugin_type: str) -> None:
    created = scaffold.create("my-plugin", plugin_type, parent=tmp_path)
    document = json.loads((created.path / "plugin.json").read_text(encoding="utf-8"))
    assert document["permissions"] == PERMISSIONS.get(plugin_type, [])
    assert set(document.get("permission_reasons", {})) == set(document["permissions"])


def test_a_preview_says_what_would_be_made_and_makes_nothing(tmp_path: Path) -> None:
    preview = scaffold.preview("my-plugin", "ui", parent=tmp_path, answers={"author": "Somebody"})
    assert everything(tmp_path) == []
    assert preview.answers["author"] == "Somebody"
    created = scaffold.create("my-plugin", "ui", parent=tmp_path, answers={"author": "Somebody"})
    assert preview.path == created.path
    assert preview.files == {str(file): (created.path / file).read_bytes() for file in created.files}


def test_a_preview_refuses_what_creation_refuses(tmp_path: Path) -> None:
    (tmp_path / "my-plugin").touch()
    with pytest.raises(UsageError) as caught:
        scaffold.preview("my-plugin", "ui", parent=tmp_path)
    assert caught.value.code == "MOP7103"


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_the_folder_has_the_missions_layout(tmp_path: Path, plugin_type: str) -> None:
    created = scaffold.create("my-plugin", plugin_type, parent=tmp_path)
    assert created.path == tmp_path / "my-plugin"
    files = {str(file) for file in created.files}
    assert files >= LAYOUT
    assert {file.partition("/")[0] for file in files} >= {"config", "lib", "tests", "docs"}
    assert files == {name for name in everything(created.path) if (created.path / name).is_file()}


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_the_manifest_says_what_was_asked(tmp_path: Path, plugin_type: str) -> None:
    created = scaffold.create("my-plugin", plugin_type, parent=tmp_path, answers={"license": "LGPL-2.1-or-later"})
    document = json.loads((created.path / "plugin.json").read_text(encoding="utf-8"))
    assert (document["name"], document["type"], document["manifest_version"]) == ("my-plugin", plugin_type, 1)
    assert document["license"] == "LGPL-2.1-or-later"
    assert "/plugin/v1/" in document["$schema"]


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_the_class_is_named_after_the_plugin(tmp_path: Path, plugin_type: str) -> None:
    created = scaffold.create("my-plugin", plugin_type, parent=tmp_path)
    tree = ast.parse((created.path / "main.py").read_text(encoding="utf-8"))
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == ["MyPlugin"]


@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_no_trace_of_the_template_language_is_left(tmp_path: Path, plugin_type: str) -> None:
    created = scaffold.create("my-plugin", plugin_type, parent=tmp_path)
    for file in created.files:
        text = (created.path / file).read_text(encoding="utf-8")
        assert "{{" not in text, file
        assert "cookiecutter" not in text, file
        assert text.endswith("\n"), file


@pytest.mark.parametrize(
    "answer", ['a "quoted" \\ word', '"""', "{{ 7 * 7 }}", "{% raw %}", "it's déjà vu", "</script>", "\\"]
)
@pytest.mark.parametrize("plugin_type", scaffold.templates())
def test_an_answer_is_text_and_never_a_template_or_code(tmp_path: Path, plugin_type: str, answer: str) -> None:
    created = scaffold.create(
        "my-plugin", plugin_type, parent=tmp_path, answers={"description": answer, "author": answer}
    )
    document = json.loads((created.path / "plugin.json").read_text(encoding="utf-8"))
    assert (document["description"], document["author"]) == (answer, answer)
    docstring = ast.get_docstring(ast.parse((created.path / "main.py").read_text(encoding="utf-8")))
    assert str(docstring).startswith(f"{answer}.")


def test_a_folder_of_that_name_that_is_empty_is_filled_in_place(tmp_path: Path) -> None:
    here = tmp_path / "my-plugin"
    here.mkdir()
    inode = here.stat().st_ino
    assert scaffold.create("my-plugin", "service", parent=here).path == here
    assert (here / "plugin.json").is_file()
    assert here.stat().st_ino == inode  # a shell that stands in it still does


def test_a_folder_with_only_a_link_to_the_script_that_was_typed_is_filled_in_place(tmp_path: Path) -> None:
    here = tmp_path / "my-plugin"
    here.mkdir()
    (here / "plugin_manager.sh").symlink_to("/opt/mobileops/plugin_manager.sh")
    assert scaffold.create("my-plugin", "service", parent=here).path == here
    assert (here / "plugin_manager.sh").is_symlink()
    other = tmp_path / "other"
    other.mkdir()
    (other / "plugin_manager.sh").write_text("echo of the author's own\n")
    assert scaffold.create("other", "service", parent=other).path == other / "other"


def test_an_empty_folder_at_the_target_is_filled_too(tmp_path: Path) -> None:
    (tmp_path / "my-plugin").mkdir()
    assert scaffold.create("my-plugin", "service", parent=tmp_path).path == tmp_path / "my-plugin"


def test_a_relative_parent_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert scaffold.create("my-plugin", "service", parent=Path()).path == tmp_path / "my-plugin"
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("kind", ["full folder", "file", "link", "dangling link"])
def test_what_exists_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "my-plugin"
    if kind == "full folder":
        target.mkdir()
        (target / "precious").touch()
    elif kind == "file":
        target.touch()
    else:
        target.symlink_to(tmp_path if kind == "link" else "nowhere")
    assert refusal("my-plugin", "service", parent=tmp_path).code == "MOP7103"


def test_a_second_run_inside_the_plugin_does_not_nest(tmp_path: Path) -> None:
    here = tmp_path / "my-plugin"
    here.mkdir()
    scaffold.create("my-plugin", "service", parent=here)
    assert refusal("my-plugin", "service", parent=here).code == "MOP7103"


@pytest.mark.parametrize("filling", [True, False])
def test_a_folder_filled_by_somebody_else_in_the_meantime_is_left_alone(
    tmp_path: Path, filling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered, target = tmp_path / "rendered", tmp_path / "out" / "my-plugin"
    rendered.mkdir()
    (target if filling else target.parent).mkdir(parents=True)
    copytree = shutil.copytree

    def slow_copy(source: Path, staged: Path) -> None:
        copytree(source, staged)
        target.mkdir(exist_ok=True)
        (target / "theirs").touch()

    monkeypatch.setattr(shutil, "copytree", slow_copy)
    with pytest.raises(UsageError) as caught:
        place.put(rendered, target)
    assert caught.value.code == "MOP7103"
    assert everything(tmp_path / "out") == ["my-plugin", "my-plugin/theirs"]


def test_a_failure_while_filling_takes_back_what_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "my-plugin"
    here.mkdir()
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "tests":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert refusal("my-plugin", "service", parent=here).code == "MOP7107"


@pytest.mark.parametrize("name", ["My Plugin", "MyPlugin", "my_plugin", "-my--plugin-", "Mý Plügin!"])
def test_an_invalid_name_is_refused_with_a_usable_one(tmp_path: Path, name: str) -> None:
    error = refusal(name, "service", parent=tmp_path)
    assert error.code == "MOP7102"
    assert str(error.fix).removeprefix("use ").strip("'") in ("my-plugin", "myplugin")
    assert error.why


@pytest.mark.parametrize("name", ["", "..", "../up", "/abs", "a/b", "a\0b", "{{ 7*7 }}", "日本語", "a\nb", "x" * 500])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(name, "service", parent=tmp_path).code == "MOP7102"


def test_an_unknown_type_is_refused_with_the_near_one(tmp_path: Path) -> None:
    error = refusal("my-plugin", "servce", parent=tmp_path)
    assert (error.code, error.fix) == ("MOP7101", "did you mean 'service'?")
    assert "did you mean" not in str(refusal("my-plugin", "zzz", parent=tmp_path).fix)


@pytest.mark.parametrize("plugin_type", ["..", "", "../cookiecutters/service", "service/{{cookiecutter.name}}"])
def test_a_type_is_no_path(tmp_path: Path, plugin_type: str) -> None:
    assert refusal("my-plugin", plugin_type, parent=tmp_path).code == "MOP7101"


@pytest.mark.parametrize("question", ["autor", "name", "class_name", "_extensions"])
def test_an_unknown_question_is_refused(tmp_path: Path, question: str) -> None:
    assert refusal("my-plugin", "service", parent=tmp_path, **{question: "x"}).code == "MOP7104"


@pytest.mark.parametrize("answer", ["", "two\nlines", "bell\a", "\ud800", "left\u202eright", "x" * 1001])
def test_an_answer_that_is_not_one_printable_line_is_refused(tmp_path: Path, answer: str) -> None:
    assert refusal("my-plugin", "service", parent=tmp_path, author=answer).code == "MOP7105"


@pytest.mark.parametrize(("question", "answer"), [("license", "https://example.com"), ("author", "x" * 201)])
def test_an_answer_that_the_schema_refuses_is_refused_in_its_words(tmp_path: Path, question: str, answer: str) -> None:
    error = refusal("my-plugin", "service", parent=tmp_path, **{question: answer})
    (finding,) = manifest.check({**json.loads(VALID.read_bytes()), question: answer})
    assert (error.code, error.why) == ("MOP7105", finding.what)


@pytest.mark.parametrize("name", ["none", "file"])
def test_a_parent_that_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    error = refusal("my-plugin", "service", parent=tmp_path / name)
    assert isinstance(error, NotFoundError)
    assert error.code == "MOP7106"


def test_bytecode_that_pip_compiled_beside_a_template_is_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = installed_templates(tmp_path, monkeypatch)
    caches = [root / "service" / "{{cookiecutter.name}}" / part / "__pycache__" for part in ("", "lib")]
    for cache in caches:
        cache.mkdir(exist_ok=True)  # where wheels are installed there is one already
        (cache / "main.cpython-311.pyc").write_bytes(b"\0")
    (caches[0].parent / "stray.pyc").write_bytes(b"\0")
    created = scaffold.create("my-plugin", "service", parent=tmp_path)
    assert not [name for name in everything(created.path) if "pyc" in name]


def test_hooks_of_a_template_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = installed_templates(tmp_path, monkeypatch)
    (root / "service" / "hooks").mkdir()
    (root / "service" / "hooks" / "post_gen_project.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8"
    )
    scaffold.create("my-plugin", "service", parent=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_read_only_templates_make_writable_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = installed_templates(tmp_path, monkeypatch)
    for path in (root / "service").rglob("*.*"):
        path.chmod(0o444 if path.is_file() else 0o755)
    created = scaffold.create("my-plugin", "service", parent=tmp_path)
    assert all((created.path / file).stat().st_mode & stat.S_IWUSR for file in created.files)


def test_a_damaged_template_is_the_hosts_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = installed_templates(tmp_path, monkeypatch)
    (root / "service" / "{{cookiecutter.name}}" / "main.py").write_text("{{ cookiecutter.nothing }}", encoding="utf-8")
    error = refusal("my-plugin", "service", parent=tmp_path)
    assert isinstance(error, HostFault)
    assert error.code == "MOP7108"


def test_template_questions_that_are_no_json_are_the_hosts_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = installed_templates(tmp_path, monkeypatch)
    (root / "service" / "cookiecutter.json").write_text("{", encoding="utf-8")
    assert refusal("my-plugin", "service", parent=tmp_path).code == "MOP7108"


def test_the_home_folder_is_neither_read_nor_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".cookiecutterrc").write_text("default_context: {author: Mallory}\n", encoding="utf-8")
    script = (
        "import pathlib, sys; from mobileops.toolchain import scaffold; "
        "scaffold.create('my-plugin', 'service', parent=pathlib.Path(sys.argv[1]))"
    )
    environment = {"HOME": str(home), "PATH": os.defpath}
    subprocess.run([sys.executable, "-B", "-c", script, str(tmp_path)], env=environment, check=True, timeout=60)
    assert everything(home) == [".cookiecutterrc"]
    assert "Mallory" not in (tmp_path / "my-plugin" / "plugin.json").read_text(encoding="utf-8")


def test_importing_the_scaffold_does_not_import_cookiecutter() -> None:
    script = "import sys, mobileops.toolchain.scaffold; sys.exit('cookiecutter' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def installed_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for templates installed elsewhere, in a copy that may be changed."""
    root = tmp_path / "site-packages"
    shutil.copytree(cookiecutters_root(), root)
    monkeypatch.setattr(creation, "cookiecutters_root", lambda: root)
    return root
