"""The help is as wide as the terminal, without asking the library that would."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from mobileops.cli import parser
from mobileops.cli.verbs import BY_NAME


@pytest.mark.parametrize("told", ["", "57", "0", "-3", "wide"])
def test_the_width_is_the_one_the_standard_library_finds(monkeypatch, told):
    monkeypatch.setenv("COLUMNS", told)
    assert parser._columns() == shutil.get_terminal_size().columns


def test_the_width_of_a_terminal_is_used(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((133, 40)))
    with Path(os.devnull).open(encoding="utf-8") as somewhere:
        monkeypatch.setattr(sys, "__stdout__", somewhere)
        assert parser._columns() == 133


def test_without_any_output_it_is_eighty(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert parser._columns() == 80


@pytest.mark.parametrize("columns", [80, 200])
def test_a_long_summary_is_broken_and_an_example_is_not(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    example = "mobileops explain" + " MOP1009" * 40
    asked = parser.Parser(BY_NAME["explain"])
    asked.description = "word " * 60
    asked.example(example)
    asked.print_help()
    *words, shown = capsys.readouterr().out.rstrip("\n").split("\n")
    assert shown == f"  {example}"
    assert max(map(len, words)) <= columns
