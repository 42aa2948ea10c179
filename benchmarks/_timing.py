"""Time whole processes against each other: alternated, the median of several rounds, ratios against a named floor."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes:
        name: as shown in the table.
        command: the process, or None when `call` does the work in this process.
        call: the work, when it is no process.
        prepare: called before every run, outside the measured time (to remove the last result).
    """

    name: str
    command: Sequence[str] | None = None
    call: Callable[[], object] | None = None
    prepare: Callable[[], object] = lambda: None
    cwd: str | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """Times of one contender in seconds."""

    name: str
    median_s: float
    best_s: float
    rounds: int


def measure(contenders: Sequence[Contender], *, rounds: int) -> list[Result]:
    """Run all contenders in turn, `rounds` times after one round that only warms caches."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds + 1):
        for contender in contenders:
            seconds = _run(contender)
            if turn:
                times[contender.name].append(seconds)
    return [Result(name, statistics.median(taken), min(taken), rounds) for name, taken in times.items()]


def _run(contender: Contender) -> float:
    contender.prepare()
    begin = time.perf_counter()
    if contender.call is not None:
        contender.call()
    if contender.command is not None:
        subprocess.run(contender.command, check=True, capture_output=True, cwd=contender.cwd)
    return time.perf_counter() - begin


def ratios(results: Sequence[Result], subject: str) -> dict[str, float]:
    """Return how many times the time of each other contender `subject` takes."""
    medians = {result.name: result.median_s for result in results}
    return {name: medians[subject] / seconds for name, seconds in medians.items() if name != subject}


def report(title: str, results: Sequence[Result], *, subject: str) -> Mapping[str, object]:
    """Print one table and return it as plain values."""
    print(f"\n{title} (median of {results[0].rounds}, alternated)")
    print(f"  {'':34}{'median':>10}{'best':>10}   {subject} takes")
    shares = ratios(results, subject)
    for result in results:
        share = f"{shares[result.name]:6.2f} x" if result.name in shares else ""
        print(f"  {result.name:34}{_shown(result.median_s):>10}{_shown(result.best_s):>10}   {share}")
    return {
        "title": title,
        "subject": subject,
        "results": [dataclasses.asdict(result) for result in results],
        "ratios": shares,
    }


def _shown(seconds: float) -> str:
    """Return a time in the unit that people read it in."""
    return f"{seconds * 1000:.1f}ms" if seconds >= 0.001 else f"{seconds * 1_000_000:.1f}us"  # noqa: PLR2004


def as_json(reports: Sequence[Mapping[str, object]]) -> str:
    """Return reports as JSON text."""
    return json.dumps(reports, indent=2)
