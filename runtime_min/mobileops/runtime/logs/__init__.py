"""Structured logs of plugins: written by the plugin manager, searched and followed by whoever may read its folder."""

from __future__ import annotations

from mobileops.runtime.logs.reading import read
from mobileops.runtime.logs.writing import LogFile, Record, timestamp, to_line

__all__ = ["LogFile", "Record", "read", "timestamp", "to_line"]
