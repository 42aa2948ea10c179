"""``mobileops monitor``: watch what plugins use and do."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Self

from mobileops.cli.commands._manager import installed
from mobileops.cli.commands._monitor_table import SORTS, table
from mobileops.errors import HostFault, UsageError
from mobileops.runtime.logs import timestamp
from mobileops.runtime.manager import client as clients
from mobileops.runtime.metrics.rates import between, merged
from mobileops.runtime.receipts import Receipts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator
    from types import TracebackType

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home

HOME_AND_CLEAR: Final = ("\x1b[H", "\x1b[K", "\x1b[J")
"""Cursor to the corner, rest of a line, rest of the screen (ECMA-48: CUP, EL, ED)."""


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", nargs="?")
    parser.add_argument("--once", action="store_true", help="measure for one interval, print, and end")
    parser.add_argument(
        "--interval", type=_seconds, default=1.0, metavar="SECONDS", help="time between two looks (default: 1)"
    )
    parser.add_argument("--sort", choices=SORTS, default="name", help="which plugins come first (default: name)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each look")
    parser.example("mobileops monitor --once")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one table or line for each interval, until interrupted; a terminal is drawn over."""
    home = console.home()
    if arguments.name:
        installed(home, arguments.name)
    live = console.stdout.isatty() and not arguments.once and not arguments.json
    with closing(_looks(home, arguments.name, arguments.interval)) as looks:
        for look in looks:
            if arguments.json:
                console.json_line(look)
            else:
                size = shutil.get_terminal_size() if console.stdout.isatty() else None
                lines = table(look, sort=arguments.sort, columns=size.columns if size else None)
                _draw(console, lines, rows=size.lines if size and live else None)
            if arguments.once:
                break
    return 0


def _draw(console: Console, lines: list[str], *, rows: int | None) -> None:
    """Write a table below what is there, or over it as far as a terminal has rows."""
    if rows is None:
        console.print("\n".join(lines))
    else:
        if len(lines) > rows - 1:
            left = len(lines) - rows + 2
            lines = [*lines[: rows - 2], f"{left} more; a taller window, --sort cpu, or monitor NAME shows them"]
        corner, rest, below = HOME_AND_CLEAR
        console.stdout.write(corner + "".join(f"{line}{rest}\n" for line in lines) + below)
    console.stdout.flush()


def _looks(home: Home, name: str | None, interval_s: float) -> Generator[dict[str, Any], None, None]:
    """Yield what happened in each interval; a plugin manager that goes and comes is followed."""
    with _Samples(home) as samples:
        before, begun, installed_now = samples.take(), time.monotonic(), _Installed(home)
        while True:
            begun += interval_s
            time.sleep(max(0.0, begun - time.monotonic()))
            after = samples.take()
            look: dict[str, Any] = {"time": timestamp(time.time()), "seconds": interval_s, "plugins": []}
            if after is not None:
                look = between(before or after, after)
            rows = merged(look["plugins"], installed_now())
            wanted = [row for row in rows if name in {None, row["name"]}]
            yield {**look, "running": after is not None, "plugins": wanted}
            before = after


class _Installed:
    """Knows what is installed, and reads the receipts again only when plugins came or went."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen = -1
        self._versions: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return the version of each installed plugin."""
        changed = self._home.store.stat().st_mtime_ns
        if changed != self._seen:
            self._versions = {one.name: one.version for one in Receipts(self._home).all()}
            self._seen = changed
        return self._versions


class _Samples:
    """Asks the plugin manager for samples, whether it runs at the moment or not."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._client: clients.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def take(self) -> dict[str, Any] | None:
        """Return a sample, None when no plugin manager runs."""
        self._client = self._client or clients.connect(self._home)
        if self._client is None:
            return None
        try:
            sample: dict[str, Any] = self._client.ask("sample")
        except (HostFault, OSError):  # it has ended
            self._hang_up()
            return None
        return sample

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86400:  # noqa: PLR2004  the message says so
        raise UsageError(f"{text!r} is no interval", code="MOP7003", fix="--interval takes 0.1 to 86400 seconds")
    return seconds
