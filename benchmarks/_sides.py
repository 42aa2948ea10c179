"""Time calls whose other side is a process of its own: placed on a processor, alternated, wall and processor time."""

from __future__ import annotations

import dataclasses
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _timing import Result

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to call.

    Attributes:
        run: returns the seconds of one call, the mean over several.
        calls: how many.
        servers: pids of the other processes that work for it.
    """

    run: Callable[[], float]
    calls: int
    servers: tuple[int, ...] = ()

    def spent_s(self) -> float:
        """Return the processor time that both sides have had."""
        return (
            time.process_time() + sum(int((task / "schedstat").read_text().split()[0]) for task in self._tasks()) / 1e9
        )

    def place(self, processor: int) -> None:
        """Have the other processes run on a processor."""
        for task in self._tasks():
            os.sched_setaffinity(int(task.name), {processor})

    def _tasks(self) -> list[Path]:
        return [task for pid in self.servers for task in Path(f"/proc/{pid}/task").iterdir()]


def several(call: Callable[[], object], times: int, *servers: int) -> Contender:
    """Return what makes a call several times."""

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(times):
            call()
        return (time.perf_counter() - begin) / times

    return Contender(measure, times, servers)


def alternate(contenders: dict[str, Contender], rounds: int, processor: int) -> list[Result]:
    """Run all contenders in turn, their other side on one processor, after one round that only warms up."""
    for one in contenders.values():
        one.place(processor)
    times: dict[str, list[tuple[float, float]]] = {key: [] for key in contenders}
    for turn in range(rounds + 1):
        for key, one in contenders.items():
            before = one.spent_s()
            seconds = one.run()
            if turn:
                times[key].append((seconds, (one.spent_s() - before) / one.calls))
    return [
        Result(
            key,
            statistics.median(wall for wall, _cpu in taken),
            min(wall for wall, _cpu in taken),
            rounds,
            statistics.median(cpu for _wall, cpu in taken),
        )
        for key, taken in times.items()
    ]
