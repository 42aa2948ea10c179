"""What runs beside a plugin's code, in a thread of the test: nothing of a plugin stays behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from mobileops.plugin.loading import search_path
from tests.fakes.worker_thread import close_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [*search_path(tmp_path / "echo"), *sys.path])
    yield
    close_all()
    sys.modules.pop("main", None)
