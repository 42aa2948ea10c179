"""The help is as wide as the terminal, without asking the library that would."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from mobileops.cli import parser


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
