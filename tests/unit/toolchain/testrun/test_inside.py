"""What is put beside a plugin for its tests in its sandbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mobileops.toolchain.testrun import inside

if TYPE_CHECKING:
    from pathlib import Path


def test_the_plugins_account_can_read_all_of_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        app = tmp_path / "app"
        app.mkdir()
        (app / "main.py").write_text("")
        entry = inside.place(app)
    finally:
        os.umask(before)
    assert (app / entry.partition(".")[0] / "entry.py").is_file()
    closed = [path for path in (app, *app.rglob("*")) if path.stat().st_mode & (0o005 if path.is_dir() else 0o004) == 0]
    assert closed == []
