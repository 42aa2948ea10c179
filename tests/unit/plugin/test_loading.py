"""`mobileops.plugin.loading` and `.testing`: find the one plugin class."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from mobileops.errors import NotFoundError, PluginError
from mobileops.plugin.loading import load_class
from mobileops.plugin.testing import PluginTestCase
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

TWO = "from mobileops.plugin import ServicePlugin\nclass A(ServicePlugin): ...\nclass B(ServicePlugin): ...\n"


@pytest.fixture(autouse=True)
def _forget_main(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "main", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


class Case(PluginTestCase):
    """Only its `load_plugin` is used."""

    def runTest(self) -> None:  # noqa: N802  unittest looks for this name
        """Nothing."""


def test_the_one_class_is_found(tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "echo")
    assert load_class(app, "main.py", "service").__name__ == "Echo"


def test_an_imported_base_class_does_not_count(tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "none", "from mobileops.plugin import ServicePlugin\n")
    with pytest.raises(PluginError, match="found none") as caught:
        load_class(app, "main.py", "service")
    assert caught.value.code == "MOP5102"


def test_two_classes_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="A, B"):
        load_class(write_plugin(tmp_path / "two", TWO), "main.py", "service")


def test_the_base_class_must_fit_the_type(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="ProcessingPlugin"):
        load_class(write_plugin(tmp_path / "echo"), "main.py", "processing")


def test_an_entry_point_that_is_no_python_file_is_refused(tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "odd", files={"run.txt": "x"})
    with pytest.raises(PluginError, match=r"run\.txt"):
        load_class(app, "run.txt", "service")


def test_a_test_case_loads_a_plugin_by_folder_and_forgets_it(tmp_path: Path) -> None:
    app = write_plugin(tmp_path / "echo", configuration={"a": 1})
    before = list(sys.path)
    case = Case()
    plugin = case.load_plugin(app, settings={"b": 2})
    assert plugin.echo(5) == 5
    assert plugin.config == {"a": 1, "b": 2}
    assert case.host.name == "echo"
    case.doCleanups()
    assert sys.path == before
    assert "main" not in sys.modules


def test_a_test_case_finds_a_plugin_below_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(tmp_path / "echo")
    monkeypatch.chdir(tmp_path)
    case = Case()
    assert case.load_plugin("echo").name == "echo"
    case.doCleanups()


def test_vendored_modules_stay_loaded_because_compiled_ones_cannot_be_loaded_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import mop_vendored, mop_own\nfrom mobileops.plugin import ServicePlugin\nclass P(ServicePlugin): ...\n"
    app = write_plugin(tmp_path / "echo", code, files={"vendor/mop_vendored.py": "", "lib/mop_own.py": ""})
    case = Case()
    case.load_plugin(app)
    case.doCleanups()
    monkeypatch.delitem(sys.modules, "mop_vendored")
    assert "mop_own" not in sys.modules


def test_an_unknown_plugin_is_an_error_with_a_fix() -> None:
    with pytest.raises(NotFoundError) as caught:
        Case().load_plugin("no-such-plugin")
    assert caught.value.code == "MOP5103"
