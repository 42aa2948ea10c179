"""The table of ``mobileops monitor``: what matters in 80 columns, everything in 160. No meaning is in a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SORTS: Final = ("name", "cpu", "memory", "calls")
WIDE_COLUMNS: Final = 130
_NAME_COLUMNS: Final = 12
_SORT_KEYS: Final = {"cpu": "cpu_percent", "memory": "memory_bytes", "calls": "calls_per_s"}
_KIBI: Final = 1024
_MILLI: Final = 0.001


class Column(NamedTuple):
    """One column.

    Attributes:
        title: above it.
        width: of it.
        text: of a row.
    """

    title: str
    width: int
    text: Callable[[Mapping[str, Any]], str]


def table(look: Mapping[str, Any], *, sort: str = "name", columns: int | None = None) -> list[str]:
    """Return lines; without a width they are as long as they need to be.

    Args:
        look: one line of ``monitor --json``.
        sort: one of `SORTS`; all but the name from high to low.
        columns: of the terminal.
    """
    rows = list(look["plugins"])
    if sort in _SORT_KEYS:
        rows.sort(key=lambda row: (-(row[_SORT_KEYS[sort]] or 0), row["name"]))
    wide = columns is None or columns >= WIDE_COLUMNS
    chosen = _WIDE if wide else _NARROW
    taken = sum(column.width + 1 for column in chosen)
    longest = max([len(row["name"]) for row in rows] + [len("PLUGIN")])
    name_width = longest if columns is None else max(_NAME_COLUMNS, min(longest, columns - taken - 1))
    lines = [" ".join([f"{'PLUGIN':{name_width}}", *(f"{column.title:>{column.width}}" for column in chosen)])]
    for row in rows:
        cells = [f"{column.text(row):>{column.width}}" for column in chosen]
        lines.append(" ".join([f"{_cut(row['name'], name_width):{name_width}}", *cells]))
    return [*lines, _summary(look, rows)]


def _summary(look: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> str:
    if not look["running"]:
        return f"{look['time']}  the plugin manager does not run"
    if not rows:
        return f"{look['time']}  nothing is installed"
    cpu = sum(row["cpu_percent"] or 0 for row in rows)
    memory = sum(row["memory_bytes"] or 0 for row in rows)
    calls = sum(row["calls_per_s"] for row in rows)
    running = sum(row["state"] in {"running", "degraded"} for row in rows)
    return f"{look['time']}  {running} of {len(rows)} run: {cpu:.1f} % cpu, {_size(memory)}, {calls:.1f} calls/s"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _count(value: int | None) -> str:
    return "-" if value is None else str(value)


def _rate(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"  # noqa: PLR2004  digits


def _size(value: float | None) -> str:
    if not value:
        return "-"
    for unit in ("B", "K", "M"):
        if value < _KIBI:
            return f"{value:.0f}{unit}" if unit == "B" else f"{value:.1f}{unit}"
        value /= _KIBI
    return f"{value:.1f}G"


def _duration(value: float | None) -> str:
    if value is None:
        return "-"
    if value < _MILLI:
        return f"{value * 1e6:.0f}us"
    return f"{value * 1000:.1f}ms" if value < 1 else f"{value:.1f}s"


_NARROW: Final = (
    Column("STATE", 11, lambda row: str(row["state"])),
    Column("CPU%", 5, lambda row: _rate(row["cpu_percent"])),
    Column("MEM", 7, lambda row: _size(row["memory_bytes"])),
    Column("FDS", 4, lambda row: _count(row["open_files"])),
    Column("RST", 3, lambda row: _count(row["restarts"])),
    Column("CALL/S", 6, lambda row: _rate(row["calls_per_s"])),
    Column("P50", 7, lambda row: _duration(row["p50_s"])),
    Column("P99", 7, lambda row: _duration(row["p99_s"])),
    Column("DENY", 4, lambda row: _count(row["denials"])),
)
_WIDE: Final = (
    Column("VERSION", 12, lambda row: _cut(row["version"], 12)),
    *_NARROW[:3],
    Column("LIMIT", 7, lambda row: _size(row["memory_limit_bytes"])),
    Column("PROCS", 5, lambda row: _count(row["processes"])),
    *_NARROW[3:6],
    Column("ERR/S", 6, lambda row: _rate(row["errors_per_s"])),
    Column("WAIT", 5, lambda row: _count(row["in_flight"])),
    *_NARROW[6:],
    Column("SINCE", 24, lambda row: row["since"] or "-"),
)
