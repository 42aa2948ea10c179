"""`mobileops.toolchain.diagnostics.page`: the reference page of the codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mobileops.toolchain.diagnostics import __main__ as command
from mobileops.toolchain.diagnostics.catalogue import entries
from mobileops.toolchain.diagnostics.page import PAGE, codes_page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "schema_root", lambda: tmp_path / "schema")
    (tmp_path / PAGE).parent.mkdir(parents=True)
    return tmp_path


def test_every_code_has_one_row() -> None:
    rows = [line.split("`")[1] for line in codes_page().splitlines() if line.startswith("| `MOP")]
    assert rows == list(entries())


def test_every_row_has_three_cells() -> None:
    rows = [line.replace("\\|", "") for line in codes_page().splitlines() if line.startswith("| `MOP")]
    assert {row.count("|") for row in rows} == {4}


def test_a_stale_page_is_named_and_written(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert command.main(["--write"]) == 0
    assert (checkout / PAGE).read_text(encoding="utf-8") == codes_page()
    assert command.main(["--check"]) == 0
