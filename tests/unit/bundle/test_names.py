"""Rules for names; the refused ones are in the corpus of hostile archives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.bundle.codes import Code
from mobileops.bundle.names import NameSet, fold, name_fault


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        "lib/__init__.py",
        "a b/c-d_e.f",
        ".hidden",
        ".mobileops/api.json",
        "console.py",
        "com10.txt",
        "straße.txt",
        "日本/語",
        "a" * 255,
        "/".join("a" * 32),
    ],
)
def test_an_honest_name_is_valid(name):
    assert name_fault(name) is None


def test_a_name_of_a_file_and_the_folder_of_another_do_not_clash_by_prefix():
    names = NameSet()
    assert [names.add(name) for name in ("lib", "library/a.py", "lib.py")] == [None, None, None]


def test_a_file_cannot_have_the_name_of_an_earlier_folder():
    names = NameSet()
    assert names.add("lib/a.py") is None
    assert names.add("lib").code is Code.NAME_FILE_AND_FOLDER


def test_a_lone_surrogate_is_not_a_name():
    fault = name_fault("a\udc80")
    assert fault is not None
    assert fault.code is Code.NAME_INVISIBLE


def test_a_fault_is_remembered_no_differently_than_a_valid_name():
    names = NameSet()
    names.add("A.py")
    assert names.add("a.py").code is Code.NAME_COLLISION
    assert names.add("A.py").code is Code.NAME_DUPLICATE


@given(st.text())
def test_folding_is_idempotent(name):
    assert fold(fold(name)) == fold(name)


@given(st.text())
def test_any_text_is_judged_without_a_crash(name):
    fault = name_fault(name)
    assert fault is None or fault.what


@given(st.text(max_size=30))
def test_a_valid_name_stays_inside_its_folder(name):
    if name_fault(name) is None:
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
