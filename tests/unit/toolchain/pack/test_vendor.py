"""Locked dependencies: wheels that a test makes, a folder instead of an index, and no network."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess

import pytest
import uv

from mobileops.bundle import open_bundle
from mobileops.errors import PackagingError
from mobileops.toolchain.pack import PackCode, lock, pack
from mobileops.toolchain.pack.targets import running
from tests.fakes.wheels import write_wheel


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "alpha", "1.2.0", {"alpha/__init__.py": "A = 1\n", "alpha/a.pyc": "old"}, requires=["beta>=1"])
    write_wheel(folder, "beta", "1.0.0", {"beta/__init__.py": "B = 1\n"})
    write_wheel(folder, "gamma", "1.0.0", {"gamma/fast.so": "\x7fELF"})
    return folder


@pytest.fixture
def dependent(source):
    _depend(source, "alpha>=1,<2")
    return source


def _depend(source, *dependencies):
    manifest = json.loads((source / "plugin.json").read_text())
    (source / "plugin.json").write_text(json.dumps({**manifest, "dependencies": list(dependencies)}))


def _pack_error(source, out, wheels):
    with pytest.raises(PackagingError) as error:
        pack(source, out, wheels=wheels)
    assert not out.exists() or list(out.iterdir()) == []
    return error.value


def test_lock_pins_everything_by_hash(dependent, wheels):
    text = lock(dependent, wheels=wheels).path.read_text()
    lines = text.splitlines()
    assert lines[0] == '# mobileops lock: ["alpha<2,>=1"]'
    digest = hashlib.sha256((wheels / "beta-1.0.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert [line.split()[0] for line in lines if "==" in line] == ["alpha==1.2.0", "beta==1.0.0"]
    assert f"--hash=sha256:{digest}" in text
    assert str(wheels) not in text


def test_exactly_the_locked_wheels_are_vendored(dependent, wheels, out, tmp_path):
    lock(dependent, wheels=wheels)
    packed = pack(dependent, out, wheels=wheels)
    assert packed.path.name == "demo-1.0.0.zip"
    assert [name for name in packed.members if name.startswith("vendor/")] == [
        "vendor/alpha-1.2.0.dist-info/METADATA",
        "vendor/alpha-1.2.0.dist-info/WHEEL",
        "vendor/alpha-1.2.0.dist-info/entry_points.txt",
        "vendor/alpha-1.2.0.dist-info/licenses/LICENSE",
        "vendor/alpha/__init__.py",
        "vendor/beta-1.0.0.dist-info/METADATA",
        "vendor/beta-1.0.0.dist-info/WHEEL",
        "vendor/beta-1.0.0.dist-info/entry_points.txt",
        "vendor/beta-1.0.0.dist-info/licenses/LICENSE",
        "vendor/beta/__init__.py",
    ]
    with open_bundle(packed.path) as bundle:
        bundle.extract(tmp_path / "again")
    assert (tmp_path / "again/vendor/alpha/__init__.py").read_text() == "A = 1\n"


def test_vendoring_twice_and_from_a_copy_gives_the_same_bytes(dependent, wheels, tmp_path):
    lock(dependent, wheels=wheels)
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(dependent, copy)
    digests = {
        pack(folder, tmp_path / f"out{number}", wheels=wheels).sha256
        for number, folder in enumerate((dependent, dependent, copy))
    }
    assert len(digests) == 1


def test_native_code_puts_the_platform_into_the_name(source, wheels, out):
    _depend(source, "gamma")
    lock(source, wheels=wheels)
    packed = pack(source, out, wheels=wheels)
    assert packed.path.name == f"demo-1.0.0-{running()}.zip"


def test_a_wheel_with_other_bytes_is_not_vendored(dependent, wheels, out, tmp_path, monkeypatch):
    lock(dependent, wheels=wheels)
    # With the cache it filled while locking, uv would rightly install the bytes that were locked.
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other-cache"))
    write_wheel(wheels, "beta", "1.0.0", {"beta/__init__.py": "import os\n"})
    error = _pack_error(dependent, out, wheels)
    assert error.code == PackCode.VENDOR_FAILED
    assert "ash" in (error.why or "")


def test_dependencies_without_a_lock_are_an_error_that_says_what_to_run(dependent, wheels, out):
    error = _pack_error(dependent, out, wheels)
    assert error.code == PackCode.LOCK_MISSING
    assert "mobileops lock" in (error.fix or "")


def test_dependencies_edited_after_locking_are_drift(dependent, wheels, out):
    lock(dependent, wheels=wheels)
    _depend(dependent, "alpha>=1,<2", "beta")
    assert _pack_error(dependent, out, wheels).code == PackCode.LOCK_DRIFT


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("alpha==1.2.0", "alpha==3.0.0"),
        lambda text: text.replace("alpha==1.2.0", "other==1.2.0"),
        lambda text: text + "delta==1.0\n",
        lambda text: text + "-r more.txt\n",
        lambda text: text + "--index-url https://example.com --hash=x\n",
        lambda text: text.split("\n", 1)[1],
    ],
    ids=["version", "name", "unhashed", "include", "index", "header"],
)
def test_a_lock_edited_by_hand_is_drift(dependent, wheels, out, edit):
    path = lock(dependent, wheels=wheels).path
    path.write_text(edit(path.read_text()))
    assert _pack_error(dependent, out, wheels).code == PackCode.LOCK_DRIFT


def test_a_lock_that_is_no_text_is_drift(dependent, wheels, out):
    (dependent / "requirements.txt").write_bytes(b"\xff")
    assert _pack_error(dependent, out, wheels).code == PackCode.LOCK_DRIFT


def test_a_lock_that_is_a_folder_is_drift(dependent, wheels, out):
    (dependent / "requirements.txt").mkdir()
    assert _pack_error(dependent, out, wheels).code == PackCode.LOCK_DRIFT


def test_pins_without_dependencies_are_drift(source, wheels, out):
    (source / "requirements.txt").write_text("alpha==1.2.0 --hash=sha256:00\n")
    assert _pack_error(source, out, wheels).code == PackCode.LOCK_DRIFT


def test_a_lock_of_comments_is_fine_without_dependencies(source, out):
    (source / "requirements.txt").write_text("# nothing yet\n\n")
    assert "requirements.txt" in pack(source, out).members


def test_locking_nothing_writes_an_empty_lock(source):
    assert lock(source).path.read_text() == "# mobileops lock: []\n"


def test_a_dependency_for_another_system_needs_no_pin(source, wheels, out):
    _depend(source, "beta", "absent; sys_platform == 'win32'")
    lock(source, wheels=wheels)
    assert "vendor/beta/__init__.py" in pack(source, out, wheels=wheels).members


def test_what_cannot_be_resolved_is_an_error_with_the_words_of_uv(source, wheels):
    _depend(source, "absent-package")
    with pytest.raises(PackagingError) as error:
        lock(source, wheels=wheels)
    assert error.value.code == PackCode.UNKNOWN_PACKAGE
    assert "absent-package" in (error.value.why or "")
    assert not (source / "requirements.txt").exists()


@pytest.mark.parametrize("text", ["alpha==", "alpha @ https://example.com/alpha.whl"])
def test_a_line_of_the_lock_that_is_no_pin_is_an_error(dependent, wheels, out, text):
    path = lock(dependent, wheels=wheels).path
    path.write_text(path.read_text() + f"{text} --hash=sha256:00\n")
    assert _pack_error(dependent, out, wheels).code == PackCode.REQUIREMENT


def test_uv_that_hangs_is_given_up(dependent, wheels, monkeypatch):
    def hang(command, **_):
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(PackagingError, match="took longer"):
        lock(dependent, wheels=wheels)


def test_a_dependency_by_url_is_an_error(source, wheels):
    _depend(source, "alpha @ https://example.com/alpha.whl")
    with pytest.raises(PackagingError) as error:
        lock(source, wheels=wheels)
    assert error.value.code == PackCode.REQUIREMENT


def test_a_lock_that_cannot_be_written_is_an_error(source, monkeypatch):
    (source / "requirements.txt").mkdir()
    with pytest.raises(PackagingError) as error:
        lock(source)
    assert error.value.code == PackCode.OUTPUT
    assert not list(source.glob(".requirements*"))


def test_without_uv_the_error_says_so(dependent, wheels, monkeypatch):
    def absent():
        raise FileNotFoundError

    monkeypatch.setattr(uv, "find_uv_bin", absent)
    with pytest.raises(PackagingError, match="uv is not installed"):
        lock(dependent, wheels=wheels)
