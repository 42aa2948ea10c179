"""Whatever happens to runs of a plugin, in whatever order: only allowed transitions, no restart that is unwanted.

What is driven are the real `Instance` and `Recovery`, without a process and with a clock that stands still.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mobileops.runtime.instances.instance import Instance
from mobileops.runtime.instances.lifecycle import ACTIVE, SUCCESSORS, Life, State
from mobileops.runtime.logs import LogFile
from mobileops.runtime.receipts import Receipt
from mobileops.runtime.supervision.recovery import Recovery
from mobileops.runtime.supervision.restarts import MAX_CRASHES, WINDOW_S
from tests.fakes.manual_timers import ManualTimers

RECEIPT = Receipt(
    name="echo", version="1.0.0", type="service", sha256="", folder="", files_sha256="", signer={}, installed_at=""
)


class Runs(RuleBasedStateMachine):
    """One plugin, run after run."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.timers = ManualTimers()
        self.recovery = Recovery(self._again, timers=self.timers)
        self.crashes: list[float] = []
        self.run = self._begin()

    def teardown(self) -> None:
        self.recovery.forget("echo")
        self.loop.close()
        self.folder.cleanup()

    def _begin(self) -> Instance:
        nothing: Any = None
        log = LogFile(Path(self.folder.name) / "echo.jsonl")
        life = Life("a test", clock=self.timers.time)
        return Instance(RECEIPT, None, log, 1.0, nothing, nothing, life, lambda: None)

    async def _again(self, _name: str) -> None:
        self.run = self._begin()

    @precondition(lambda self: self.run.state is State.STARTING)
    @rule()
    def becomes_ready(self) -> None:
        self.run.ready_at_s = self.timers.time()
        self.run.move(State.RUNNING, "ready")

    @precondition(lambda self: self.run.state is State.RUNNING)
    @rule()
    def is_not_well(self) -> None:
        self.run.move(State.DEGRADED, "it says so")

    @precondition(lambda self: self.run.state is State.DEGRADED)
    @rule()
    def is_well_again(self) -> None:
        self.run.move(State.RUNNING, "healthy again")

    @precondition(lambda self: self.run.state in ACTIVE - {State.STOPPING})
    @rule()
    def is_asked_to_stop(self) -> None:
        self.run.stop_requested = True
        self.run.move(State.STOPPING, "the operator")

    @rule()
    def breaks_the_protocol(self) -> None:
        self.run.fail("nonsense")

    @precondition(lambda self: not self.run.ended.is_set())
    @rule(status=st.sampled_from([0, 1, -9]))
    def ends(self, status: int) -> None:
        self.run.exited(status)
        if self.run.state is State.FAILED and not self.run.stop_requested:
            self.crashes.append(self.timers.time())
            self.recovery.crashed(self.run)

    @rule(seconds=st.sampled_from([0.01, 1.0, 31.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        async def wait() -> None:
            self.timers.advance(seconds)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    @precondition(lambda self: self.run.ended.is_set() and not self.recovery.pending())
    @rule()
    def is_started_by_the_operator(self) -> None:
        self.recovery.forget("echo")
        self.crashes.clear()
        self.run = self._begin()

    @invariant()
    def every_step_is_allowed_and_has_a_cause(self) -> None:
        history = self.run.life.history
        assert all(right.before is left.after for left, right in itertools.pairwise(history))
        assert all(step.before is None or step.after in SUCCESSORS[step.before] for step in history)
        assert all(step.cause for step in history)

    @invariant()
    def only_a_crash_is_followed_by_a_restart_and_a_crash_loop_is_not(self) -> None:
        if self.recovery.pending():
            assert self.run.state is State.FAILED
            assert not self.run.stop_requested
            assert len([one for one in self.crashes if self.timers.time() - one < WINDOW_S]) < MAX_CRASHES


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
