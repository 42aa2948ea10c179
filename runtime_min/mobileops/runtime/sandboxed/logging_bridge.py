"""Make the standard `logging` module of a plugin's process write the plugin's structured log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobileops.plugin.host import Host


class HostHandler(logging.Handler):
    """Hand each record to the host as one structured line."""

    def __init__(self, host: Host) -> None:
        """Write to one host."""
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; a failing log call must never end the plugin."""
        try:
            self._host.log(record.levelname, record.getMessage(), {"logger": record.name})
        except Exception:  # noqa: BLE001  logging.Handler's own contract: report through handleError, never raise
            self.handleError(record)


def install(host: Host) -> None:
    """Send every record of level INFO and above to a host."""
    root = logging.getLogger()
    root.handlers[:] = [HostHandler(host)]
    root.setLevel(logging.INFO)
