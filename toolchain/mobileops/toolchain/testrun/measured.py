"""Coverage of a plugin's own files by its tests, over all Pythons that they ran on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from coverage import Coverage

FORMATS: Final = {".xml": "xml", ".json": "json", ".info": "lcov", ".lcov": "lcov"}


def format_of(file: Path) -> str:
    """Return the format of a coverage file by its name.

    Raises:
        UsageError: MOP2614, there is none of that name.
    """
    kind = FORMATS.get(file.suffix)
    if kind is None:
        raise UsageError(
            f"no format of coverage files is called {file.name!r}",
            code="MOP2614",
            why="the suffix chooses it: .xml is Cobertura's, .json is coverage.py's own, .info and .lcov are LCOV's",
            fix="write --coverage=coverage.xml; --coverage alone prints a table, and stands behind the plugin's name",
        )
    return kind


def report(data: Sequence[Path], *, app: Path, file: Path | None) -> str:
    """Combine measurements and return a table, or words when there is none; with a file, write that too.

    Args:
        data: what the runs measured.
        app: the plugin's folder.
        file: where it goes, in the format that its suffix says.

    Raises:
        UsageError: MOP2614.
    """
    import coverage  # noqa: PLC0415 - most runs measure nothing

    measurement = coverage.Coverage(data_file=None, config_file=False, branch=True)
    table = io.StringIO()
    try:
        measurement.combine([str(one) for one in data if one.exists()], keep=True, strict=True)
        measurement.report(file=table, skip_empty=True, show_missing=True)
    except coverage.exceptions.NoDataError:  # the tests ended their process
        return "nothing was measured"
    if file is not None:
        _write(measurement, file)
    return table.getvalue().replace(f"{app}/", "")


def _write(measurement: Coverage, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Any] = {
        "xml": measurement.xml_report,
        "json": measurement.json_report,
        "lcov": measurement.lcov_report,
    }
    writers[format_of(file)](outfile=str(file))
