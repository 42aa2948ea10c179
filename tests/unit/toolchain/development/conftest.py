"""A session's workbench, with a plugin manager in this process and no sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from mobileops.runtime.manager import client as clients
from tests.fakes.daemon_thread import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def unconfined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make sessions below the test's own folder, and start their plugin managers as threads."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr(clients, "STOP_TIMEOUT_S", 0.0)  # the process at the other end is this one
    with ExitStack() as stack:

        def started(home, *, program, stdin):
            assert program[-1] == "--while-stdin"
            stack.enter_context(serving(home, monkeypatch))
            return clients.connect(home)

        monkeypatch.setattr(clients, "connect_or_start", started)
        yield
