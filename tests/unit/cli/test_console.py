"""`mobileops.cli.console` and `.suggestions`: what a person sees, and in which order."""

from __future__ import annotations

import io

import pytest

from mobileops.cli.console import Console
from mobileops.cli.suggestions import did_you_mean


class Both(io.StringIO):
    """A stream that reaches the common terminal only when it is flushed, as a pipe's does."""

    def __init__(self, terminal: list[str]) -> None:
        super().__init__()
        self._terminal = terminal

    def flush(self) -> None:
        if text := self.getvalue():
            self._terminal.append(text)
            self.truncate(0)
            self.seek(0)


def test_words_come_after_the_data_that_was_written_before_them() -> None:
    terminal: list[str] = []
    console = Console(io.StringIO(), Both(terminal), Both(terminal), {})
    console.print("data")
    console.note("words")
    assert terminal == ["data\n", "words\n"]


@pytest.mark.parametrize(
    ("typed", "answer", "end"), [("Yes \n", "Yes", ""), ("\n", "", ""), ("half", "half", ""), ("", None, "\n")]
)
def test_the_end_of_the_input_is_no_answer_and_ends_the_line_of_the_question(
    typed: str, answer: str | None, end: str
) -> None:
    err = io.StringIO()
    assert Console(io.StringIO(typed), io.StringIO(), err, {}).ask("sure? ") == answer
    assert err.getvalue() == f"sure? {end}"


def test_columns_are_aligned_and_have_no_trailing_space() -> None:
    out = io.StringIO()
    Console(io.StringIO(), out, io.StringIO(), {}).table(("A", "LONG"), [("wide", "x"), ("y", "")])
    assert out.getvalue() == "A     LONG\nwide  x\ny\n"


@pytest.mark.parametrize(("word", "expected"), [("instal", "install"), ("lsit", "list"), ("monitor", None), ("", None)])
def test_only_a_near_word_is_suggested(word: str, expected: str | None) -> None:
    suggestion = did_you_mean(word, ["install", "list", "doctor"])
    assert suggestion == (f"did you mean {expected!r}?" if expected else None)


@pytest.mark.parametrize("terminal", [True, False])
def test_text_is_wrapped_on_a_terminal_only(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    out = io.StringIO()
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    Console(io.StringIO(), out, io.StringIO(), {}).wrapped("said: ", "word " * 20 + "end")
    lines = out.getvalue().splitlines()
    assert len(lines) == (3 if terminal else 1)
    assert max(map(len, lines[: len(lines) - 1] or [""])) <= 50
    assert all(line.startswith("      word") for line in lines[1:])
