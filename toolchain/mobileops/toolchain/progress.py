"""A bar for a person who waits: it appears when work takes longer than a second, and leaves nothing behind.

The caller decides whether anybody is looking (``stream.isatty()``), and passes the stream.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

APPEARS_AFTER_S: Final = 1.0
_REDRAWN_AFTER_S: Final = 0.1


class Bar:
    """Shows how many bytes of the whole are done; call it with both numbers.

    Args:
        stream: a terminal.
        label: stands before the bar.
        clock: monotonic seconds.
    """

    def __init__(self, stream: TextIO, *, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._label = label
        self._clock = clock
        self._due = clock() + APPEARS_AFTER_S
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        """Say that `done` of `total` bytes are done; most calls only look at the clock."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + _REDRAWN_AFTER_S
        if self._progress is None:
            self._progress = _start(self._stream, self._label)
        self._progress.update(self._progress.task_ids[0], completed=done, total=total)
        self._progress.refresh()


def _start(stream: TextIO, label: str) -> Progress:
    from rich import progress  # noqa: PLC0415 - as slow to import as a small plugin is to pack
    from rich.console import Console  # noqa: PLC0415 - likewise

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
    made = progress.Progress(
        *columns,
        progress.TimeRemainingColumn(),
        console=Console(file=stream),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    made.add_task(label)
    made.start()
    return made
