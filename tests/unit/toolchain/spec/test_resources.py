from __future__ import annotations

from pathlib import Path

import pytest

from mobileops.errors import HostFault
from mobileops.toolchain import _resources

WITNESSES = {"schema": "plugin/v1/plugin.schema.json", "cookiecutters": "service/cookiecutter.json"}
FINDERS = {"schema": _resources.schema_root, "cookiecutters": _resources.cookiecutters_root}


def place(folder, name):
    (folder / WITNESSES[name]).parent.mkdir(parents=True)
    (folder / WITNESSES[name]).write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "toolchain" / "mobileops" / "toolchain"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", WITNESSES)
def test_packaged_data_comes_before_a_checkout_around_it(package, tmp_path, name):
    place(tmp_path / name, name)
    packaged = place(package / "_data" / name, name)
    assert FINDERS[name](package=package) == packaged


@pytest.mark.parametrize("name", WITNESSES)
def test_without_packaged_data_the_checkout_is_used(package, tmp_path, name):
    in_checkout = place(tmp_path / name, name)
    assert FINDERS[name](package=package) == in_checkout


@pytest.mark.parametrize("name", WITNESSES)
def test_an_incomplete_installation_is_named(package, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(HostFault, match=name) as caught:
        FINDERS[name](package=package)
    assert caught.value.code == "MOP8011"


def test_the_running_toolchain_finds_its_own_data():
    root = _resources.schema_root()
    assert (root / WITNESSES["schema"]).is_file()
    assert Path(_resources.__file__).parents[2] in root.parents or root.parent == Path(_resources.__file__).parents[3]
