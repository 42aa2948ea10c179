from __future__ import annotations

import os
import subprocess

import pytest

from mobileops.toolchain.sign.source import describe, public_url


def git(folder, *words):
    settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", folder, *settings, *words], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


@pytest.fixture
def plugin(tmp_path):
    """A plugin in a folder of a repository with one commit."""
    folder = tmp_path / "plugins" / "hello"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("local.py\nscratch/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://ada:token@example.org/acme/plugins.git")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return folder


def read(plugin, *packed):
    return describe(plugin, packed=("main.py", *packed), environment=os.environ)


def test_a_clean_folder_is_the_state_of_its_commit(plugin):
    found = read(plugin)
    assert found.commit == git(plugin, "rev-parse", "HEAD")
    assert (found.repository, found.path) == ("https://example.org/acme/plugins.git", "plugins/hello")
    assert not found.dirty


def change(plugin):
    (plugin / "main.py").write_text("x = 2\n")


def stage(plugin):
    change(plugin)
    git(plugin, "add", "main.py")


def add(plugin):
    (plugin / "new.py").touch()


def remove(plugin):
    (plugin / "main.py").unlink()


@pytest.mark.parametrize("alter", [change, stage, add, remove])
def test_any_change_in_the_folder_makes_it_dirty(plugin, alter):
    alter(plugin)
    assert read(plugin).dirty


def test_what_the_packer_makes_and_what_lies_elsewhere_does_not(plugin, tmp_path):
    (plugin / "dist").mkdir()
    (plugin / "dist" / "hello-1.0.0.zip").touch()
    (tmp_path / "elsewhere.py").touch()
    assert not read(plugin).dirty


@pytest.mark.parametrize("name", ["local.py", "scratch/part.py"])
def test_an_ignored_file_counts_if_it_is_packed(plugin, name):
    (plugin / name).parent.mkdir(exist_ok=True)
    (plugin / name).touch()
    assert not read(plugin).dirty
    assert read(plugin, name).dirty


def without_commit(folder):
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", "https://example.org/a.git")


def without_remote(folder):
    without_commit(folder)
    git(folder, "remote", "remove", "origin")
    git(folder, "commit", "--allow-empty", "--quiet", "--message", "first")


@pytest.mark.parametrize("make", [lambda _: None, without_commit, without_remote])
def test_a_folder_that_others_cannot_fetch_has_no_source(tmp_path, make):
    make(tmp_path)
    assert describe(tmp_path, packed=(), environment=os.environ) is None


def test_without_git_there_is_no_source(plugin):
    assert describe(plugin, packed=(), environment={"PATH": str(plugin)}) is None


def test_nothing_that_the_repository_names_is_run(plugin, tmp_path):
    marker = tmp_path.parent / f"{tmp_path.name}-ran"
    for name in ("filter.evil.clean", "filter.evil.process", "filter.a=b.clean", "core.fsmonitor"):
        git(plugin, "config", name, f"touch {marker}; cat")
    (tmp_path / ".git" / "info" / "attributes").write_text("main.py filter=evil\nother.py filter=a=b\n")
    hook = tmp_path / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    os.utime(plugin / "main.py", (1, 1))  # git must look at its content again
    read(plugin)
    assert not marker.exists()
    git(plugin, "status")
    assert marker.exists(), "the control ran nothing either"


def test_more_filters_than_are_emptied_give_no_source(plugin):
    for number in range(101):
        git(plugin, "config", f"filter.f{number}.clean", "cat")
    assert read(plugin) is None


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://user:secret@example.org:8443/a", "https://example.org:8443/a"),
        ("https://secret@example.org/a?key=secret#secret", "https://example.org/a"),
        ("ssh://git@example.org/a", "ssh://example.org/a"),
        ("git@example.org:acme/a.git", "ssh://example.org/acme/a.git"),
        ("example.org:/srv/a.git", "ssh://example.org/srv/a.git"),
        ("/srv/a.git", None),
        ("file:///srv/a.git", None),
        ("ext::sh -c evil", None),
        ("https://[", None),
        ("https://example.org:port/a", None),
        ("", None),
    ],
)
def test_an_address_is_published_without_secrets(remote, expected):
    assert public_url(remote) == expected
