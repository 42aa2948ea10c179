"""Merge what pytest wrote for each Python into one JUnit file, of the family that pytest calls xunit2."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 16  # pytest's files have five levels; what is much deeper could not be written again


def suites(report: Path) -> list[ET.Element]:
    """Return the suites in a file that pytest wrote; none if there is no such file, or the tests have spoilt it."""
    try:
        if report.stat().st_size > MAX_BYTES:
            return []
        root = ET.parse(report).getroot()  # noqa: S314 - see the import
    except (OSError, ET.ParseError):
        return []
    return [one for one in root.iter("testsuite") if one.tag == "testsuite"] if _is_shallow(root) else []


def _is_shallow(root: ET.Element) -> bool:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for one in level for child in one]
        if not level:
            return True
    return False


def broken(name: str, why: str) -> ET.Element:
    """Return a suite that says why there is no other."""
    counts = {"errors": "1", "failures": "0", "skipped": "0", "tests": "1", "time": "0"}
    suite = ET.Element("testsuite", {"name": name, **counts})
    case = ET.SubElement(suite, "testcase", {"classname": name, "name": "the run of the tests", "time": "0"})
    ET.SubElement(case, "error", {"message": why}).text = why
    return suite


def write(path: Path, found: Iterable[ET.Element]) -> None:
    """Write all suites into one file.

    Raises:
        OSError: the disk refused.
    """
    root = ET.Element("testsuites", {"name": "mobileops test"})
    root.extend(found)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
