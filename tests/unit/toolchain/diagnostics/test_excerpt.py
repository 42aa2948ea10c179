"""A line with a caret."""

from __future__ import annotations

import unicodedata

import pytest

from mobileops.toolchain.diagnostics.excerpt import MAX_CELLS, excerpt, visible


def cells(text: str) -> int:
    """Return the columns that a terminal needs."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def marked(line: str, column: int | None, end: int | None) -> tuple[int, int, str]:
    """Return first cell and number of the carets, and the shown source."""
    source, carets = excerpt(line, line=7, column=column, end_column=end)
    return carets.index("^"), carets.count("^"), source


@pytest.mark.parametrize("before", ["    ", "\t", "日本", "e\u0301", "a\u202eb", "", "\x1b[31m"])
def test_the_caret_stands_below_the_marked_characters(before: str) -> None:
    first, count, source = marked(f"{before}WORD rest", len(before) + 1, len(before) + 5)
    assert (cells(source.partition("WORD")[0]), count) == (first, 4)


def test_a_wide_character_gets_two_carets() -> None:
    assert marked("x日", 2, 3)[1] == 2


@pytest.mark.parametrize("at", [0, 90, 500, 990])
def test_a_long_line_is_cut_around_the_caret(at: int) -> None:
    line = "." * at + "WORD" + "." * (1000 - at)
    first, _, source = marked(line, at + 1, at + 5)
    assert cells(source) <= MAX_CELLS + len("  7 | ……")
    assert source[first : first + 4] == "WORD"


def test_without_a_column_everything_but_the_indentation_is_marked() -> None:
    assert marked("    return 1  ", None, None)[:2] == (len("  7 | ") + 4, 8)


def test_a_caret_behind_the_line_is_not_drawn() -> None:
    assert excerpt("short", line=1, column=50, end_column=51) == ()


def test_a_place_at_the_end_of_the_line_has_one_caret() -> None:
    assert marked("abc", 4, None)[1] == 1


def test_no_control_or_direction_character_reaches_the_terminal() -> None:
    source, _ = excerpt("a\x1b[2Jb\u202ec\x07", line=1, column=1, end_column=2)
    assert source.isprintable()
    assert visible("a\nb\tc\x1b") == "a\N{REPLACEMENT CHARACTER}b    c\N{REPLACEMENT CHARACTER}"


def test_of_a_huge_line_only_the_part_around_the_caret_is_looked_at() -> None:
    line = "x" * (1 << 19) + "WORD" + "x" * (1 << 19)
    first, _, source = marked(line, (1 << 19) + 1, (1 << 19) + 5)
    assert (len(source) < 2 * MAX_CELLS, source[first : first + 4]) == (True, "WORD")
