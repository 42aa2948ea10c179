"""The rules that set imports against the dependencies and the plugin's own files."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.toolchain.checks import check_source
from tests.unit.toolchain.checks.code_folders import of, one, write


def test_an_import_that_nothing_brings_is_an_error_at_its_line(folder: Any) -> None:
    write(folder, imports="import numpy as np")
    found = one(folder, "MOP1331")
    assert (found.where, found.severity) == ("main.py:2:8", "error")
    assert "'numpy'" in found.what


@pytest.mark.parametrize(
    "imports",
    [
        "import json, os.path",
        "from mobileops.plugin.testing import PluginHarness",
        "from lib.records import tidy",
        "import records",
        "import helper",
        "from . import helper",
        "import yaml",
        "import google.cloud.storage",
        "from google.cloud import storage",
        "import serial",
    ],
)
def test_what_has_an_origin_may_be_imported(folder: Any, imports: str) -> None:
    folder.manifest(dependencies=["PyYAML>=6", "google_cloud.storage", "pyserial"])
    folder.write("lib/records.py", "tidy = 1\n")
    folder.write("helper.py", "")
    write(folder, imports=imports)
    assert of(folder, "MOP1331") == []


@pytest.mark.parametrize(
    "imports",
    [
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "try:\n    import tomllib\nexcept ModuleNotFoundError:\n    import tomli as tomllib",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "import sys\nif sys.platform == 'win32':\n    import winreg_more",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import numpy",
        "import importlib\nnumpy = importlib.import_module('numpy')",
    ],
    ids=["try", "fallback", "type-checking", "condition", "suppress", "by-call"],
)
def test_an_import_that_may_fail_or_not_run_is_let_pass(folder: Any, imports: str) -> None:
    write(folder, imports=imports)
    assert of(folder, "MOP1331") == []


def test_a_try_that_does_not_handle_the_failure_excuses_nothing(folder: Any) -> None:
    write(folder, imports="try:\n    import numpy\nexcept ValueError:\n    pass")
    assert one(folder, "MOP1331").where == "main.py:3:12"


def test_an_import_inside_a_function_is_a_warning(folder: Any) -> None:
    write(folder, "import numpy")
    assert (one(folder, "MOP1331").where, one(folder, "MOP1331").severity) == ("main.py:6:16", "warning")


@pytest.mark.parametrize(("imports", "severity"), [("from lib import deep", "error"), ("", "warning")])
def test_an_import_is_an_error_only_in_files_that_the_start_reaches(folder: Any, imports: str, severity: str) -> None:
    folder.write("lib/__init__.py", "")
    folder.write("lib/deep.py", "from .deeper import x\n")
    folder.write("lib/deeper.py", "import numpy\nx = 1\n")
    write(folder, imports=imports)
    assert (one(folder, "MOP1331").where, one(folder, "MOP1331").severity) == ("lib/deeper.py:1:8", severity)


def test_many_imports_of_one_module_are_one_finding(folder: Any) -> None:
    folder.write("lib/a.py", "import numpy\nimport numpy.linalg\n")
    write(folder, imports="import numpy")
    assert "(and in 2 more places)" in one(folder, "MOP1331").what


def test_tests_may_import_test_tools(folder: Any) -> None:
    folder.write("tests/test_plugin.py", "import pytest\n")
    folder.write("conftest.py", "import hypothesis\n")
    assert check_source(folder.path) == ()


def test_a_module_that_only_the_lock_brings_is_a_warning_that_names_its_package(folder: Any) -> None:
    folder.manifest(dependencies=["requests"])
    folder.write("requirements.txt", "requests==2.32.3\nurllib3==2.2.3 \\\n    --hash=sha256:00\n")
    write(folder, imports="import requests, urllib3")
    assert one(folder, "MOP1331").severity == "warning"
    assert "add 'urllib3'" in (one(folder, "MOP1331").fix or "")


def test_where_a_dependency_is_not_known_an_import_is_a_warning_that_names_it(folder: Any) -> None:
    folder.manifest(dependencies=["some-vendor-sdk"])
    write(folder, imports="import vendorlib")
    found = one(folder, "MOP1331")
    assert (found.severity, "'some-vendor-sdk'" in (found.why or "")) == ("warning", True)
    assert of(folder, "MOP1332") == []


@pytest.mark.parametrize(
    "place",
    ["vendor/some_vendor_sdk-1.0.dist-info", ".venv/lib/python3.11/site-packages/some_vendor_sdk-1.0.dist-info"],
)
@pytest.mark.parametrize(
    ("name", "content"), [("top_level.txt", "vendorlib\n"), ("RECORD", "vendorlib/__init__.py,sha256=x,1\n")]
)
def test_installed_metadata_says_which_modules_a_dependency_brings(
    folder: Any, place: str, name: str, content: str
) -> None:
    folder.manifest(dependencies=["Some.Vendor_SDK"])
    folder.write(f"{place}/{name}", content)
    write(folder, imports="import vendorlib")
    assert of(folder, "MOP1331") == of(folder, "MOP1332") == []
    write(folder, imports="import some_vendor_sdk")
    assert one(folder, "MOP1331").severity == "error"
    assert one(folder, "MOP1332").where == "plugin.json#/dependencies/0"


def test_a_plugin_that_changes_its_path_may_import_from_any_of_its_folders(folder: Any) -> None:
    folder.write("deep/inside/tool.py", "")
    write(folder, imports="import tool")
    assert len(of(folder, "MOP1331")) == 1
    write(folder, imports="import sys\nsys.path.append('deep/inside')\nimport tool")
    assert of(folder, "MOP1331") == []


def test_a_dependency_that_nothing_imports_is_a_warning(folder: Any) -> None:
    folder.manifest(dependencies=["numpy", "requests"])
    folder.write("tests/test_plugin.py", "import requests\n")
    write(folder, imports="import numpy")
    found = one(folder, "MOP1332")
    assert (found.where, found.severity) == ("plugin.json#/dependencies/1", "warning")


@pytest.mark.parametrize("imports", ["try:\n    import numpy\nexcept ImportError:\n    pass", "__import__('numpy')"])
def test_a_dependency_that_is_imported_in_any_way_is_used(folder: Any, imports: str) -> None:
    folder.manifest(dependencies=["numpy"])
    write(folder, imports=imports)
    assert of(folder, "MOP1332") == []


def test_of_code_that_does_not_parse_nothing_is_called_unused(folder: Any) -> None:
    folder.manifest(dependencies=["numpy"], permissions=["system.process"])
    folder.write("main.py", "def broken(:")
    assert of(folder, "MOP1332") == of(folder, "MOP1334") == []


def test_a_vendored_module_has_an_origin(folder: Any) -> None:
    write(folder, imports="import numpy")
    folder.write("vendor/numpy/__init__.py", "")
    assert of(folder, "MOP1331") == []
