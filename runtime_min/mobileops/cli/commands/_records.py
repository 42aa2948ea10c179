"""How a record of a log is shown to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.layout import printable

if TYPE_CHECKING:
    from mobileops.runtime.logs import Record


def line(record: Record) -> str:
    """Return a record as one line, without what could act on a terminal."""
    fields = "".join(f" {key}={value}" for key, value in record.fields.items())
    return printable(f"{record.time} {record.plugin} {record.level:7} {record.source}: {record.message}{fields}")
