"""What the documents point at exists: links, paths in backticks, the numbers of decisions."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.packaging.checkout_copy import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
FOLDERS = r"\.ci|benchmarks|cookiecutters|docs|examples|runtime_min|schema|tests|toolchain"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./{{}}-]*[\w/])`")
#: The changelog and the decisions tell of what was; the mission is quoted, and templates become a plugin's own.
PRESENT = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if not name.startswith(("CHANGELOG", "docs/adr/", "tests/data/", "cookiecutters/"))
]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("document", PRESENT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    missing += [path for path in PATH.findall(text) if "{" not in path and not (ROOT / path).exists()]
    assert missing == []


def test_decisions_are_numbered_once_and_in_a_row() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_has_its_number_in_its_title(decision: Path) -> None:
    assert decision.read_text(encoding="utf-8").startswith(f"# {decision.name[:4]}. ")
