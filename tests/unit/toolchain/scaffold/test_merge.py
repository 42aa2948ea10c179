"""The three-way merge, by its laws and with git as the oracle."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.toolchain.scaffold.merge import MAX_LINES, merge

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d"]), max_size=8).map(b"".join)
BASE = b"one\ntwo\nthree\nfour\nfive\nsix\n"


@given(TEXTS, TEXTS)
def test_what_one_side_changed_is_taken(base: bytes, changed: bytes) -> None:
    for merged in (
        merge(base, changed, theirs=base),
        merge(base, base, theirs=changed),
        merge(base, changed, theirs=changed),
    ):
        assert (merged.content, merged.conflicts) == (changed, 0)


@given(TEXTS, TEXTS, TEXTS)
def test_the_sides_are_equal_in_a_conflict_and_without_one(base: bytes, left: bytes, right: bytes) -> None:
    one, other = merge(base, left, theirs=right), merge(base, right, theirs=left)
    assert one.conflicts == other.conflicts
    if not one.conflicts:
        assert one.content == other.content


@given(TEXTS, TEXTS, TEXTS)
def test_nothing_is_lost_where_the_author_decides(base: bytes, left: bytes, right: bytes) -> None:
    merged = merge(base, left, theirs=right)
    assert (
        merged.content.count(b"<<<<<<< yours\n") == merged.conflicts == merged.content.count(b">>>>>>> template now\n")
    )


def test_changes_in_different_places_are_both_taken() -> None:
    merged = merge(BASE, BASE.replace(b"one", b"ONE"), theirs=BASE.replace(b"six", b"SIX") + b"seven\n")
    assert (merged.content, merged.conflicts) == (b"ONE\ntwo\nthree\nfour\nfive\nSIX\nseven\n", 0)


def test_different_changes_of_one_line_conflict() -> None:
    merged = merge(BASE, BASE.replace(b"two", b"mine"), theirs=BASE.replace(b"two", b"theirs"))
    assert merged.conflicts == 1
    assert merged.content == (
        b"one\n<<<<<<< yours\nmine\n||||||| template before\ntwo\n=======\ntheirs\n>>>>>>> template now\n"
        b"three\nfour\nfive\nsix\n"
    )


def test_a_last_line_without_an_end_does_not_swallow_a_marker() -> None:
    assert b"mine\n|||||||" in merge(b"x", b"mine", theirs=b"theirs").content


@pytest.mark.parametrize("content", [b"\0", b"line\n" * (MAX_LINES + 1)])
def test_what_cannot_be_merged_by_lines_stays_as_it_is(content: bytes) -> None:
    ours = content + b"mine"
    merged = merge(content, ours, theirs=content + b"theirs")
    assert (merged.content, merged.conflicts) == (ours, 1)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (BASE + b"seven\n", b"zero\n" + BASE),
        (BASE.replace(b"two\n", b""), BASE.replace(b"five\n", b"5\n")),
        (BASE.replace(b"two\n", b""), BASE.replace(b"two\n", b"2\n")),
        (BASE + b"mine\n", BASE + b"theirs\n"),
        (BASE.replace(b"one\ntwo\n", b""), BASE.replace(b"five\nsix\n", b"")),
    ],
)
def test_git_merges_to_the_same_text_and_finds_the_same_conflicts(tmp_path: Path, ours: bytes, theirs: bytes) -> None:
    for name, content in (("ours", ours), ("base", BASE), ("theirs", theirs)):
        (tmp_path / name).write_bytes(content)
    labels = ["-L", "yours", "-L", "template before", "-L", "template now"]
    command = ["git", "merge-file", "-p", "--diff3", *labels, "ours", "base", "theirs"]
    git = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    merged = merge(BASE, ours, theirs=theirs)
    assert (merged.content, merged.conflicts) == (git.stdout, git.returncode)
