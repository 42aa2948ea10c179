"""Service plugins."""

from __future__ import annotations

import threading
import time
from typing import Any

PAUSE_S = 0.05


def test_start_returns_soon_after_stop(initialized: Any, plugin_loader: Any, document: dict[str, Any]) -> None:
    """The platform waits for `resources.stop_timeout` (10 seconds, unless declared), then it kills."""
    host, failures = plugin_loader.host, []

    def start() -> None:
        try:
            host.settle(initialized.start())
        except BaseException as error:  # noqa: BLE001 - whatever it raises ends the service
            failures.append(error)

    service = threading.Thread(target=start, daemon=True)
    service.start()
    deadline = time.monotonic() + float(document.get("resources", {}).get("stop_timeout", 10))
    while service.is_alive() and time.monotonic() < deadline:
        host.settle(initialized.stop())  # again and again: start() may not have begun at the first
        service.join(PAUSE_S)
    assert not service.is_alive(), "start() still runs, although stop() was called"
    assert not failures, f"start() raised {failures[0]!r}"
