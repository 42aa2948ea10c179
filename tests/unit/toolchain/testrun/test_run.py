"""`run_tests`: what counts as success, and what the tests can and cannot reach."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from mobileops.errors import HostFault
from mobileops.toolchain.testrun import TestRun, run_tests
from mobileops.toolchain.testrun import run as module

PASSING = "def test_ok():\n    pass\n"
UNITTEST = """
import unittest

class Case(unittest.TestCase):
    def test_one(self):
        self.assertEqual({expression}, True)

    @unittest.skip("not now")
    def test_two(self):
        pass
"""


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a Python that has no pytest."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, symlinks=True)
    return str(home / "bin" / "python")


def run(folder: Path, text: str, *, python: str = sys.executable, timeout_s: float = 60.0) -> TestRun:
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "test_it.py").write_text(text, encoding="utf-8")
    return run_tests(folder, python=python, timeout_s=timeout_s)


def test_passing_tests_pass(tmp_path: Path) -> None:
    result = run(tmp_path, PASSING)
    assert (result.returncode, result.summary) == (0, "1 passed (pytest)")
    assert "test_it.py" in result.output


def test_a_failing_test_fails_and_its_reason_is_in_the_output(tmp_path: Path) -> None:
    result = run(tmp_path, PASSING + "def test_bad():\n    assert 'reason' == ''\n")
    assert (result.returncode, result.summary) == (1, "1 passed, 1 failed (pytest)")
    assert "reason" in result.output


def test_a_test_file_that_cannot_be_imported_fails(tmp_path: Path) -> None:
    result = run(tmp_path, "import nothing_of_this_name\n")
    assert result.returncode != 0
    assert result.summary == "1 failed (pytest)"


@pytest.mark.parametrize(
    ("expression", "code", "summary"), [("True", 0, "1 passed, 1 skipped"), ("False", 1, "1 failed, 1 skipped")]
)
def test_without_pytest_unittest_runs_them(
    tmp_path: Path, bare_python: str, expression: str, code: int, summary: str
) -> None:
    result = run(tmp_path, UNITTEST.format(expression=expression), python=bare_python)
    assert (result.returncode, result.summary) == (code, f"{summary} (unittest)")


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("text", ["", "x = 1\n"])
def test_no_tests_is_a_failure_that_says_so(tmp_path: Path, bare_python: str, bare: bool, text: str) -> None:
    result = run(tmp_path, text, python=bare_python if bare else sys.executable)
    assert (result.returncode, result.summary.partition(":")[0]) == (module.NO_TESTS, "no tests")


@pytest.mark.parametrize("make", [Path.touch, lambda path: None])
def test_no_folder_of_tests_is_a_failure_that_says_so(tmp_path: Path, make) -> None:
    make(tmp_path / "tests")
    assert run_tests(tmp_path) == TestRun(module.NO_TESTS, f"no tests: {tmp_path.name} has no folder 'tests'", "")


def test_the_plugin_its_libraries_and_the_sdk_can_be_imported(tmp_path: Path) -> None:
    for part in ("", "lib", "vendor"):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / part / f"in_{part or 'app'}.py").touch()
    assert run(tmp_path, f"import in_app, in_lib, in_vendor, mobileops.plugin.testing\n{PASSING}").returncode == 0


def test_a_library_called_like_a_module_of_pytest_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pluggy.py").write_text("raise RuntimeError", encoding="utf-8")
    assert run(tmp_path, PASSING).returncode == 0


def test_nothing_is_written_beside_the_sources(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.py").touch()
    assert run(tmp_path, f"import part\nopen('here.txt', 'w').close()\n{PASSING}").returncode == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "lib",
        "lib/part.py",
        "tests",
        "tests/test_it.py",
    ]


def test_the_authors_folder_environment_and_settings_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n", encoding="utf-8")
    (tmp_path / "plugin").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    text = "import os\ndef test_it():\n    assert 'SECRET_TOKEN' not in os.environ and os.listdir('.') == []\n"
    assert run(tmp_path / "plugin", text).returncode == 0


def test_a_plugins_own_pytest_settings_count(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_functions = check_*\n", encoding="utf-8")
    assert run(tmp_path, "def check_ok():\n    pass\n").summary == "1 passed (pytest)"


def test_further_arguments_reach_the_runner(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("def test_a(): pass\ndef test_b(): assert False\n", encoding="utf-8")
    assert run_tests(tmp_path, extra_args=["-k", "test_a"]).summary == "1 passed (pytest)"


def test_a_relative_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(Path(), PASSING).returncode == 0


def test_tests_that_hang_are_stopped(tmp_path: Path) -> None:
    result = run(tmp_path, "import time\ntime.sleep(600)\n", timeout_s=1.5)
    assert (result.returncode, result.summary) == (
        module.TIMED_OUT,
        "the tests did not finish within 1.5 s and were stopped",
    )


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("os._exit(0)", "ended before"),
        ("os.kill(os.getpid(), 11)", "signal SIGSEGV"),
        ("os.kill(os.getpid(), 40)", "signal 40"),
    ],
)
def test_tests_that_end_their_process_do_not_pass(tmp_path: Path, ending: str, said: str) -> None:
    result = run(tmp_path, f"import os\ndef test_it():\n    {ending}\n")
    assert result.returncode != 0
    assert said in result.summary


@pytest.mark.parametrize("report", ["[]", "{", '{"passed": "many"}'])
def test_a_report_that_the_tests_made_up_does_not_count(tmp_path: Path, report: str) -> None:
    text = f"import os, sys\ndef test_it():\n    open(sys.orig_argv[4], 'w').write({report!r})\n    os._exit(0)\n"
    assert run(tmp_path, text).returncode == 1


@pytest.mark.parametrize("python", ["/no/such/python", os.devnull])
def test_an_interpreter_that_cannot_start_is_the_hosts_fault(tmp_path: Path, python: str) -> None:
    with pytest.raises(HostFault) as caught:
        run(tmp_path, PASSING, python=python)
    assert caught.value.code == "MOP7120"


def test_the_child_needs_nothing_but_the_standard_library(bare_python: str) -> None:
    child = Path(module.__file__).with_name("child.py")
    subprocess.run([bare_python, "-I", "-c", f"import runpy; runpy.run_path({str(child)!r})"], check=True, timeout=60)
