from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import mobileops.bundle
from mobileops.bundle.codes import Code
from tests.fakes.hostile_archives import CASES


def test_a_code_is_a_plain_string_with_a_meaning():
    assert Code.RATIO == "MOP2210"
    assert json.dumps({"code": Code.RATIO}) == '{"code": "MOP2210"}'
    assert Code("MOP2210").meaning == "a member is compressed so much that it must be an attack"


def test_every_code_has_its_own_number_and_sentence():
    assert all(re.fullmatch(r"MOP2[0-35][0-9]{2}", code.value) for code in Code)
    assert len({code.meaning for code in Code}) == len(Code)


def test_every_refusal_of_an_archive_is_in_the_corpus():
    """The others need a path, a disk or a caller that is wrong, not an archive; test_reader has them."""
    elsewhere = {
        Code.NO_FILE,
        Code.NOT_REGULAR,
        Code.TOO_LARGE,
        Code.UNREADABLE,
        Code.NO_MEMBER,
        Code.READ_LIMIT,
        Code.TARGET,
        Code.WRITE,
        Code.DESCRIPTION,
    }
    assert set(Code) - elsewhere == {Code(case.code) for case in CASES}


def test_everything_exported_is_there():
    assert all(getattr(mobileops.bundle, name) is not None for name in mobileops.bundle.__all__)
    with pytest.raises(AttributeError, match="zipfile"):
        mobileops.bundle.zipfile  # noqa: B018 - looking it up is the test


def test_the_reference_page_lists_every_code_with_its_meaning() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "bundle.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `MOP")]
    assert rows == [f"| `{code.value}` | {code.meaning} |" for code in Code]
