"""``mobileops test``: generated tests, several Pythons, reports and refusals."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
import venv
import xml.etree.ElementTree as ET

import pytest

from tests.fakes.junit_schema import problems
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.unmeasured import run_python
from tests.fakes.wheels import write_wheel

PID = """
        @plugin_method
        def pid(self):
            import os
            return os.getpid()
"""
OWN = """
    def test_echo(plugin):
        assert plugin.echo(1) == 1
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return a cache that keeps its environments for all tests here."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def measuring(tmp_path, cache):
    """Run a command in a process that is not measured: one measurement by coverage.py disturbs another."""

    def run(*words):
        done = run_python("-m", "mobileops.cli.main", *words, cwd=tmp_path, XDG_CACHE_HOME=str(cache))
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def echo(mobileops, monkeypatch, tmp_path, cache):
    """Write a plugin with a test, for this version of Python alone: what else is installed has no say here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    major, minor = sys.version_info[:2]
    declared = {"python_version": f">={major}.{minor},<{major}.{minor + 1}"}
    return write_plugin(tmp_path / "echo", compatibility=declared, files={"tests/test_it.py": OWN})


def test_both_kinds_of_tests_run_and_reports_are_written(measuring, echo, tmp_path):
    code, out, err = measuring("test", "echo", "--junit", "out/j.xml", "--coverage=out/c.json", "--", "-k", "echo")
    assert (code, err.rpartition(": ")[2]) == (0, "3 passed (pytest)\n")
    assert "conformance/test_methods.py" in out
    (suite,) = junit(tmp_path / "out" / "j.xml")
    assert (suite.tag, suite.get("tests"), len(suite)) == ("testsuite", "3", 3)
    assert json.loads((tmp_path / "out" / "c.json").read_text())["totals"]["covered_lines"] > 0
    assert "echo/main.py" in out


def test_two_pythons_run_one_after_the_other(mobileops, echo, tmp_path):
    venv.create(tmp_path / "other", symlinks=True)
    other = str(tmp_path / "other" / "bin" / "python")
    words = ("--python", sys.executable, "--python", other, "--no-conformance", "--junit", "j.xml")
    code, _out, err = mobileops("test", "echo", *words)
    assert (code, err.count("1 passed (pytest)")) == (0, 2)
    assert f"({other})" in err
    assert len(junit(tmp_path / "j.xml")) == 2


def junit(path):
    root = ET.parse(path).getroot()  # noqa: S314 - our own
    assert problems(root) == []
    return root


def test_tests_that_end_their_process_still_give_a_report(measuring, echo, tmp_path):
    (echo / "tests" / "test_it.py").write_text("import os\ndef test_it(): os.kill(os.getpid(), 9)\n")
    code, out, _err = measuring("test", "echo", "--no-conformance", "--junit", "j.xml", "--coverage")
    assert (code, "nothing was measured" in out) == (1, True)
    (suite,) = junit(tmp_path / "j.xml")
    assert (suite.get("errors"), suite[0][0].tag) == ("1", "error")


def test_the_plugin_gets_a_process_in_its_sandbox(mobileops, echo):
    (echo / "tests" / "test_it.py").write_text(
        "import os\n\ndef test_echo(plugin):\n    assert plugin.pid() != os.getpid()\n"
    )
    (echo / "main.py").write_text((echo / "main.py").read_text() + textwrap.indent(textwrap.dedent(PID), "    "))
    code, out, err = mobileops("test", "echo", "--sandboxed", "--no-conformance")
    assert (code, err.rpartition(": ")[2]) == (0, "1 passed (pytest)\n"), out + err
    assert "Warning" not in out


def test_the_sandbox_has_the_python_that_runs_the_command(mobileops, echo, tmp_path):
    says = json.dumps([[3, 11, 99], "cpython", "cpython-311-x86_64-linux-gnu", "/elsewhere"])
    (tmp_path / "other").write_text(f"#!/bin/sh\necho '{says}'\n")
    (tmp_path / "other").chmod(0o755)
    code, _out, err = mobileops("test", "echo", "--sandboxed", "--python", str(tmp_path / "other"))
    assert (code, "MOP2616" in err, "Python 3.11.99" in err) == (2, True, True)


def test_locked_dependencies_are_there_and_installed_once(mobileops, echo, tmp_path, cache, monkeypatch):
    (tmp_path / "wheels").mkdir()
    write_wheel(tmp_path / "wheels", "needed", "1.0")
    for name, value in {"UV_FIND_LINKS": str(tmp_path / "wheels"), "UV_NO_INDEX": "1"}.items():
        monkeypatch.setenv(name, value)
    write_plugin(echo, dependencies=["needed"])
    (echo / "tests" / "test_it.py").write_text(
        "def test_it():\n    import needed\n    assert needed.VERSION == '1.0'\n"
    )
    assert "MOP2416" in mobileops("test", "echo")[2]
    assert mobileops("lock", "echo")[0] == 0
    before = set((cache / "mobileops" / "tests").glob("dependencies-*"))
    for _ in range(2):
        assert mobileops("test", "echo", "--no-conformance")[0] == 0
        (kept,) = set((cache / "mobileops" / "tests").glob("dependencies-*")) - before
        shutil.rmtree(tmp_path / "wheels", ignore_errors=True)
    assert (kept / "needed").is_dir()


def test_generated_tests_alone_are_no_tests(mobileops, echo):
    (echo / "tests" / "test_it.py").unlink()
    code, _out, err = mobileops("test", "echo")
    assert code == 1
    assert "no tests of its own" in err


def test_a_plugin_sees_no_package_of_the_toolchain(mobileops, echo):
    (echo / "tests" / "test_it.py").write_text("def test_it():\n    import yaml\n")
    assert mobileops("test", "echo", "--no-conformance")[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--python", "3.99"), 4, "MOP2610"),
        (("--python", "/no/such/python"), 4, "MOP2610"),
        (("--coverage=c.txt",), 2, "MOP2614"),
        (("--sandboxed", "--coverage"), 2, "MOP2617"),
    ],
)
def test_what_cannot_be_done_is_said(mobileops, echo, words, code, said):
    (echo / "tests" / "test_it.py").write_text("def test_it(): pass\n")
    found, _out, err = mobileops("test", "echo", "--no-conformance", *words)
    assert (found, said in err) == (code, True), err


def test_a_python_that_is_not_declared_is_refused(mobileops, echo, tmp_path):
    write_plugin(echo, compatibility={"python_version": ">=3.98"})
    assert "MOP2610" in mobileops("test", "echo")[2]
    code, _out, err = mobileops("test", "echo", "--python", sys.executable)
    assert (code, "MOP2611" in err) == (2, True)


def test_a_cache_that_cannot_be_written_is_said(mobileops, echo, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    code, _out, err = mobileops("test", "echo")
    assert (code, "MOP2613" in err) == (4, True)


def test_an_environment_that_nox_cannot_make_is_said(mobileops, echo, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NOXSESSION", "no-such-session")
    code, _out, err = mobileops("test", "echo")
    assert (code, "MOP2612" in err) == (4, True), err
