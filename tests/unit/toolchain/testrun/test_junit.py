"""One JUnit file of what pytest wrote for each Python, as Jenkins takes it."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.testrun import junit
from tests.fakes.junit_schema import problems

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import pytest

@pytest.fixture
def fallen():
    raise OSError("<not> & there")

def test_good(record_testsuite_property):
    record_testsuite_property("python", "3")
    print("out")

def test_bad():
    assert 1 == 2, "]]> \\x1b[0m"

@pytest.mark.skip(reason="not here")
def test_skipped(): pass

@pytest.mark.xfail
def test_expected(): assert False

def test_error(fallen): pass
"""


def test_what_pytest_wrote_and_what_it_could_not_is_one_report_that_jenkins_takes(tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(TESTS)
    words = ("-p", "no:cacheprovider", "--rootdir=.", "--junitxml=one.xml", "-o", "junit_logging=all", "test_all.py")
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, check=False)
    found = [*junit.suites(tmp_path / "one.xml"), junit.broken("echo (3.14)", "the tests <ended> their process")]
    junit.write(tmp_path / "all.xml", found)
    root = ET.parse(tmp_path / "all.xml").getroot()  # noqa: S314 - our own
    assert problems(root) == []
    assert [(one.get("tests"), one.get("failures"), one.get("errors")) for one in root] == [
        ("5", "1", "1"),
        ("1", "0", "1"),
    ]
    assert {one.tag for one in root.iter()} >= {"properties", "failure", "error", "skipped", "system-out"}


SUITE = '<testsuite name="a" tests="1" failures="0" errors="0" time="1.5">%s</testsuite>'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html/>", "the root is 'html'"),
        ("<testsuites><testcase name='a'/></testsuites>", "testsuites has a 'testcase' in it"),
        ("<testsuite name='a' tests='1' failures='0'/>", "testsuite lacks 'errors'"),
        ("<testsuite name='a' tests='one' failures='0' errors='0'/>", "tests of testsuite is 'one'"),
        ("<testsuite name='a' tests='1' failures='0' errors='0' time='0.12345'/>", "time of testsuite is '0.12345'"),
        (SUITE % "<testcase classname='a'/>", "testcase lacks 'name'"),
        (SUITE % "<testcase name='a' line='3'/>", "testcase has 'line'"),
        (SUITE % "<testcase name='a'><passed/></testcase>", "testcase has a 'passed' in it"),
        (SUITE % "words", "testsuite has text"),
        (SUITE % "<properties><property name='a'/></properties>", "property lacks 'value'"),
    ],
)
def test_what_jenkins_does_not_take_is_noticed(text: str, problem: str) -> None:
    """Control of the check itself."""
    assert problems(ET.fromstring(text)) == [problem]  # noqa: S314 - our own
    assert problems(ET.fromstring(SUITE % "<testcase name='a' time='.5'/>")) == []  # noqa: S314 - our own
