"""`mobileops.cli.commands._sources`: what a word names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mobileops.cli.commands._sources import find_bundle, find_source
from mobileops.errors import NotFoundError
from mobileops.runtime.home import Home
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_no_word_means_this_folder(home: Home, tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "echo")
    assert find_source(None, home, cwd=app) == app


def test_a_name_is_looked_for_here_then_as_this_folder_then_among_the_sources(home: Home, tmp_path: Path) -> None:
    shelved = write_plugin(home.sources / "echo")
    assert find_source("echo", home, cwd=tmp_path) == shelved
    inside = write_plugin(tmp_path / "work" / "renamed", name="echo")
    assert find_source("echo", home, cwd=inside) == inside
    here = write_plugin(tmp_path / "echo")
    assert find_source("echo", home, cwd=tmp_path) == here


def test_a_mistyped_source_gets_a_suggestion(home: Home, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    with pytest.raises(NotFoundError) as caught:
        find_source("ehco", home, cwd=tmp_path)
    assert caught.value.fix == "did you mean 'echo'?"


def test_a_folder_that_is_no_plugin_says_so(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"plugin\.json"):
        find_source(None, home, cwd=tmp_path)


def test_an_unreadable_manifest_falls_back_to_the_folders_name(home: Home, tmp_path: Path) -> None:
    app = tmp_path / "echo"
    app.mkdir()
    (app / "plugin.json").write_text("{")
    assert find_source("echo", home, cwd=app) == app


def touch(path: Path, age_s: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))
    return path


def test_a_file_is_itself(home: Home, tmp_path: Path) -> None:
    path = touch(tmp_path / "x.zip", 0)
    assert find_bundle("x.zip", home, cwd=tmp_path) == path


def test_a_link_to_a_bundle_is_the_bundle_with_the_name_that_was_signed(home: Home, tmp_path: Path) -> None:
    path = touch(tmp_path / "x-1.0.0.zip", 0)
    (tmp_path / "latest.zip").symlink_to("x-1.0.0.zip")
    assert find_bundle("latest.zip", home, cwd=tmp_path) == path


def test_a_name_with_or_without_zip_is_the_newest_built_bundle(home: Home, tmp_path: Path) -> None:
    touch(tmp_path / "echo" / "dist" / "echo-1.0.0.zip", 10)
    newest = touch(home.sources / "echo" / "dist" / "echo-1.1.0.zip", 5)
    touch(tmp_path / "dist" / "echo-extra-9.0.0.zip", 0)
    assert find_bundle("echo.zip", home, cwd=tmp_path) == newest
    assert find_bundle("echo", home, cwd=tmp_path) == newest


def test_a_path_into_another_folder_is_that_file_and_no_bundle_of_its_name(home: Home, tmp_path: Path) -> None:
    touch(tmp_path / "dist" / "echo-1.0.0.zip", 0)
    with pytest.raises(NotFoundError, match=r"there is no file '/downloads/echo\.zip'"):
        find_bundle("/downloads/echo.zip", home, cwd=tmp_path)


def test_a_version_chooses_among_the_built_bundles(home: Home, tmp_path: Path) -> None:
    old = touch(tmp_path / "echo" / "dist" / "echo-1.0.0.zip", 10)
    touch(tmp_path / "echo" / "dist" / "echo-1.1.0.zip", 5)
    touch(tmp_path / "echo" / "dist" / "echo-1.0.01.zip", 0)
    assert find_bundle("echo", home, cwd=tmp_path, version="1.0.0") == old


def test_a_mistyped_bundle_gets_the_name_of_a_source_and_a_source_without_one_the_way_to_build_it(
    home: Home, tmp_path: Path
) -> None:
    write_plugin(tmp_path / "echo")
    for word, fix in (("ehco", "did you mean 'echo'?"), ("echo.zip", "mobileops package echo builds one")):
        with pytest.raises(NotFoundError) as caught:
            find_bundle(word, home, cwd=tmp_path)
        assert caught.value.fix == fix


def test_a_missing_bundle_says_where_it_was_looked_for(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_bundle("echo", home, cwd=tmp_path, version="2.1.0")
    assert caught.value.code == "MOP7011"
    assert "2.1.0" in caught.value.what
