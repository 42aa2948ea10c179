"""What goes into a bundle, what does not and why, and what stops packing."""

from __future__ import annotations

import json
import os
import socket

import pytest

from mobileops.bundle import limits
from mobileops.errors import ManifestError, PackagingError
from mobileops.toolchain.pack import PackCode, plan


def _write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _names(source):
    return [planned.name for planned in plan(source).files]


def _code(source):
    with pytest.raises(PackagingError) as error:
        plan(source)
    return error.value.code


def test_everything_else_goes_in_sorted_by_the_bytes_of_its_name(source):
    for name in ("tests/test_it.py", "docs/é.md", "config/default.conf", "requirements.txt", "Z.txt", "a-b", "a/b"):
        _write(source / name)
    wanted = [
        "Z.txt",
        "a-b",
        "a/b",
        "config/default.conf",
        "docs/é.md",
        "lib/run.sh",
        "main.py",
        "requirements.txt",
        "tests/test_it.py",
    ]
    assert _names(source) == wanted


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".git/config", "version control"),
        ("lib/.hg/x", "version control"),
        (".gitignore", "version control"),
        ("lib/__pycache__/a.cpython-311.pyc", "cache"),
        (".pytest_cache/x", "cache"),
        ("node_modules/x", "cache"),
        (".venv/x", "virtual environment"),
        ("my-environment/pyvenv.cfg", "virtual environment"),
        ("dist/x", "build output"),
        ("demo.egg-info/PKG-INFO", "build output"),
        ("demo-0.9.0.zip", "build output"),
        ("lib/demo-0.9.0.zip", "build output"),
        ("lib/demo-0.9.0.zip.sigstore.json", "build output"),
        (".idea/x", "editor settings"),
        ("main.py~", "left by an editor"),
        ("lib/.a.swp", "left by an editor"),
        (".DS_Store", "left by a file manager"),
        (".env", "environment file"),
        ("config/.env.production", "environment file"),
        ("lib/server.key", "key file"),
        ("id_ed25519", "key file"),
        (".netrc", "credentials file"),
        (".coverage", "development file"),
    ],
)
def test_what_is_for_development_or_secret_stays_out(source, name, reason):
    _write(source / name)
    made = plan(source)
    assert [planned.name for planned in made.files] == ["lib/run.sh", "main.py"]
    assert [why for _, why in made.excluded] == [reason]


@pytest.mark.parametrize("name", ["lib/dist/x", "data.zip.txt", "lib/data.zip", "envs", "keys.py", "id_rsa.pub"])
def test_what_only_looks_like_it_goes_in(source, name):
    _write(source / name)
    assert name in _names(source)


def test_pluginignore_excludes_and_its_line_is_the_reason(source):
    _write(source / "docs/big.pdf")
    _write(source / "docs/small.md")
    _write(source / ".pluginignore", "# comment\n*.pdf\n")
    made = plan(source)
    assert ("docs/big.pdf", ".pluginignore:2: *.pdf") in made.excluded
    assert "docs/small.md" in [planned.name for planned in made.files]


def test_pluginignore_can_take_back_its_own_lines_only(source):
    _write(source / "docs/a.md")
    _write(source / ".env")
    _write(source / ".pluginignore", "docs/*\n!docs/a.md\n!.env\n")
    assert _names(source) == ["docs/a.md", "lib/run.sh", "main.py"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (1 << 20) + b"y"])
def test_a_pluginignore_that_is_no_text_is_an_error(source, content):
    (source / ".pluginignore").write_bytes(content)
    assert _code(source) == PackCode.IGNORE


def test_a_pluginignore_that_is_a_folder_is_an_error(source):
    (source / ".pluginignore").mkdir()
    assert _code(source) == PackCode.IGNORE


def test_a_symbolic_link_is_an_error_even_to_a_file_inside(source):
    (source / "lib/link.py").symlink_to("../main.py")
    assert _code(source) == PackCode.LINK


def test_a_link_to_a_script_of_the_checkout_stays_behind_and_a_script_of_that_name_does_not(source):
    (source / "plugin_manager.sh").symlink_to("/opt/mobileops/plugin_manager.sh")
    assert ("plugin_manager.sh", "link to a script of MobileOps") in plan(source).excluded
    (source / "test_suite.sh").write_text("make test")
    assert "test_suite.sh" in _names(source)
    (source / "lib/plugin_manager.sh").symlink_to("/opt/mobileops/plugin_manager.sh")
    assert _code(source) == PackCode.LINK


def test_a_link_to_a_folder_is_an_error(source):
    (source / "linked").symlink_to("/etc")
    assert _code(source) == PackCode.LINK


def test_an_excluded_link_is_no_error(source):
    (source / "linked").symlink_to("/etc")
    _write(source / ".pluginignore", "/linked\n")
    assert _names(source) == ["lib/run.sh", "main.py"]


def test_a_pipe_is_an_error(source):
    os.mkfifo(source / "pipe")
    assert _code(source) == PackCode.SPECIAL


def test_a_socket_is_an_error(source, monkeypatch):
    monkeypatch.chdir(source)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert _code(source) == PackCode.SPECIAL


@pytest.mark.parametrize("name", ["lib/a.pyc", "main.pyo"])
def test_bytecode_outside_a_cache_is_an_error(source, name):
    _write(source / name)
    assert _code(source) == PackCode.BYTECODE


@pytest.mark.parametrize("name", ["aux.py", "a:b.py", "cafe\u0301.py", "a\u200bb.py", "MAIN.py", "trailing ", "a\nb"])
def test_a_name_that_cannot_travel_is_an_error(source, name):
    _write(source / name)
    assert _code(source) == PackCode.NAME


def test_a_name_that_is_no_text_is_an_error(source):
    (source / os.fsdecode(b"caf\xe9.py")).write_text("x")
    assert _code(source) == PackCode.NAME


@pytest.mark.parametrize("name", ["vendor/x.py", ".mobileops/api.json"])
def test_a_folder_that_packing_makes_is_an_error(source, name):
    _write(source / name)
    assert _code(source) == PackCode.RESERVED


def test_the_entry_point_must_go_in(source):
    _write(source / ".pluginignore", "main.py\n")
    assert _code(source) == PackCode.LEFT_OUT


def test_a_hook_must_go_in(source):
    manifest = json.loads((source / "plugin.json").read_text())
    (source / "plugin.json").write_text(json.dumps({**manifest, "hooks": {"pre_start": "hooks/pre_start.py"}}))
    with pytest.raises(PackagingError) as error:
        plan(source)
    assert error.value.where == "plugin.json#/hooks/pre_start"


@pytest.mark.parametrize(
    ("mode", "wanted"), [(0o644, 0o644), (0o600, 0o644), (0o666, 0o644), (0o700, 0o755), (0o775, 0o755)]
)
def test_only_the_execute_bit_of_the_owner_counts(source, mode, wanted):
    (source / "main.py").chmod(mode)
    assert {planned.name: planned.mode for planned in plan(source).files}["main.py"] == wanted


def test_a_file_over_the_limit_is_an_error(source):
    with (source / "huge.bin").open("wb") as stream:
        stream.truncate(limits.MAX_MEMBER_BYTES + 1)
    assert _code(source) == PackCode.LIMIT


def test_too_much_in_all_is_an_error(source):
    for number in range(4):
        with (source / f"huge{number}.bin").open("wb") as stream:
            stream.truncate(limits.MAX_MEMBER_BYTES)
    assert _code(source) == PackCode.LIMIT


def test_a_manifest_with_findings_is_not_packed(source):
    (source / "plugin.json").write_text("{}")
    with pytest.raises(ManifestError):
        plan(source)


def test_a_folder_without_a_manifest_is_no_source(tmp_path):
    assert _code(tmp_path) == PackCode.NO_SOURCE
    assert _code(tmp_path / "absent") == PackCode.NO_SOURCE


def test_an_unreadable_folder_is_an_error(source, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("lib"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert _code(source) == PackCode.UNREADABLE
