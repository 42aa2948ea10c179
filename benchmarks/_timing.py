"""Time whole processes against each other: alternated, the median of several rounds, ratios against a named floor."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes:
        name: as shown in the table.
        command: the process, or None when `call` does the work in this process.
        call: the work, when it is no process.
        prepare: called before every run, outside the measured time (to put the last result aside).
    """

    name: str
    command: Sequence[str] | None = None
    call: Callable[[], object] | None = None
    prepare: Callable[[], object] = lambda: None
    cwd: str | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """Times of one contender in seconds.

    Attributes:
        name: of the contender.
        median_s: of the wall time.
        best_s: of the wall time.
        rounds: how many were measured.
        cpu_s: median of the processor time, of a process with its children.
        memory_mb: the most that a process or one of its children had in memory, 0 for a call in this one.
    """

    name: str
    median_s: float
    best_s: float
    rounds: int
    cpu_s: float = 0.0
    memory_mb: int = 0


def environment() -> dict[str, str]:
    """Return the variables that programs run with, those of a benchmark among them.

    They run from bytecode, ours and others', as after an installation: the round that warms caches writes it.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def aside(work: Callable[[], object]) -> None:
    """Do `work` in a child process: Linux counts to a process what its parent had in memory when it was started."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def put_aside(*paths: Path) -> None:
    """Move the results of the last run out of the way, and leave removing them to the end of the benchmark.

    ext4 gives an inode to nobody for minutes after its file was removed, and looks at each such inode whenever a file
    is made: after a few rounds, making a thousand files beside a thousand that were just removed takes twenty times as
    long as it does for a user, which hides everything else.
    """
    for path in filter(os.path.lexists, paths):
        kept = path.with_name("before")
        kept.mkdir(exist_ok=True)
        path.rename(next(free for number in itertools.count() if not (free := kept / f"{path.name}{number}").exists()))


def measure(contenders: Sequence[Contender], *, rounds: int) -> list[Result]:
    """Run all contenders in turn, `rounds` times after one round that only warms caches."""
    runs: dict[str, list[tuple[float, float, int]]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds + 1):
        for contender in contenders:
            run = _run(contender)
            if turn:
                runs[contender.name].append(run)
    return [_summary(name, taken) for name, taken in runs.items()]


def _summary(name: str, taken: Sequence[tuple[float, float, int]]) -> Result:
    wall, processor, memory = zip(*taken, strict=True)
    return Result(name, statistics.median(wall), min(wall), len(wall), statistics.median(processor), max(memory))


def _run(contender: Contender) -> tuple[float, float, int]:
    """Return wall time, processor time, and memory in MB."""
    contender.prepare()
    begin = time.perf_counter()
    if contender.call is not None:
        spent = time.process_time()
        contender.call()
        return time.perf_counter() - begin, time.process_time() - spent, 0
    assert contender.command is not None
    with subprocess.Popen(
        contender.command, stdout=subprocess.DEVNULL, cwd=contender.cwd, env=environment()
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - begin
    assert process.returncode == 0, contender.name
    return taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10


def ratios(results: Sequence[Result], subject: str) -> dict[str, float]:
    """Return how many times the time of each other contender `subject` takes."""
    return _ratios({result.name: result.median_s for result in results}, subject)


def _ratios(medians: Mapping[str, float], subject: str) -> dict[str, float]:
    return {name: medians[subject] / seconds for name, seconds in medians.items() if name != subject}


def report(title: str, results: Sequence[Result], *, subject: str) -> Mapping[str, object]:
    """Print one table and return it as plain values."""
    print(f"\n{title} (median of {results[0].rounds}, alternated)")
    print(f"  {'':34}{'median':>10}{'best':>10}{'cpu':>10}{'memory':>9}   {subject} takes (of its cpu)")
    shares = ratios(results, subject)
    spent_by = {result.name: result.cpu_s for result in results}
    cpu_shares = _ratios(spent_by, subject) if all(spent_by.values()) else {}
    for result in results:
        spent = f"{_shown(result.cpu_s):>10}{f'{result.memory_mb} MB' if result.memory_mb else '':>9}"
        share = f"{shares[result.name]:6.2f} x" if result.name in shares else ""
        share += f"  ({cpu_shares[result.name]:.2f} x)" if result.name in cpu_shares else ""
        print(f"  {result.name:34}{_shown(result.median_s):>10}{_shown(result.best_s):>10}{spent:>19}   {share}")
    return {
        "title": title,
        "subject": subject,
        "results": [dataclasses.asdict(result) for result in results],
        "ratios": shares,
        "cpu_ratios": cpu_shares,
    }


def _shown(seconds: float) -> str:
    """Return a time in the unit that people read it in."""
    return f"{seconds * 1000:.1f}ms" if seconds >= 0.001 else f"{seconds * 1_000_000:.1f}us"  # noqa: PLR2004


def as_json(reports: Sequence[Mapping[str, object]]) -> str:
    """Return reports as JSON text."""
    return json.dumps(reports, indent=2)
