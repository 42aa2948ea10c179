"""One run of one plugin: its process, its log, and where it is in its life (see `lifecycle`).

Every transition has a cause and a time, and is a line in the plugin's log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.instances import overuse
from mobileops.runtime.instances.inflight import InFlight
from mobileops.runtime.instances.lifecycle import ACTIVE, Life, State
from mobileops.runtime.instances.meter import Meter
from mobileops.runtime.instances.processor_time import ProcessorTime
from mobileops.runtime.logs import LogFile, Record, timestamp
from mobileops.runtime.redaction import NONE, Redaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobileops.runtime.channel.connection import Connection
    from mobileops.runtime.instances.decisions import Decisions
    from mobileops.runtime.isolation.policy import Limits
    from mobileops.runtime.launching.launched import Launched
    from mobileops.runtime.receipts import Receipt


LAST_LINES: Final = 5
"""How much of its output is told when a plugin is given up."""

CLOSED: Final = "it closed its channel"
"""Why a run has failed, as long as it is not known how its process ended; SIGKILL may have been our own."""


@dataclasses.dataclass(slots=True, eq=False)
class Instance:
    """One run of one plugin.

    Attributes:
        receipt: what was started.
        launched: its process; None once it has ended.
        log: its log file.
        stop_timeout_s: how long it may take to stop.
        limits: what it may use.
        decisions: what is decided about its permissions.
        life: its transitions.
        on_change: called after every transition.
        network: whether the network broker serves it.
        connection: its channel; None once it has ended.
        methods: exported methods, known from "ready" on.
        calls: what it has not answered yet.
        streams: those of them that stream their results.
        ready: set at the transition to running.
        ready_at_s: when that was, by the event loop's clock.
        stop_requested: whether its end is wanted, and so no crash.
        restarted: whether nobody waits for its start, so that a failure of it is a crash.
        routed: whether calls, messages and events go to it; another run of the same plugin may have them.
        hook: the hook that it runs now.
        ended: set when the process has ended.
        output: the last lines that it wrote.
        redaction: hides its secret settings in everything that is written or told about it.
        meter: counts its calls.
        debug: whether it is in debug mode; that lasts as long as this run.
        attached: whether an editor is attached to it.
    """

    receipt: Receipt
    launched: Launched | None
    log: LogFile
    stop_timeout_s: float
    limits: Limits
    decisions: Decisions
    life: Life
    on_change: Callable[[], object]
    network: bool = False
    connection: Connection | None = None
    methods: tuple[str, ...] = ()
    calls: InFlight = dataclasses.field(default_factory=InFlight)
    streams: frozenset[str] = frozenset()
    ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ready_at_s: float | None = None
    stop_requested: bool = False
    restarted: bool = False
    routed: bool = True
    hook: str | None = None
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    output: deque[str] = dataclasses.field(default_factory=lambda: deque(maxlen=LAST_LINES))
    redaction: Redaction = NONE
    meter: Meter = dataclasses.field(default_factory=Meter)
    debug: bool = False
    attached: bool = False
    _refused: int = 0
    _processor: ProcessorTime | None = None

    def __post_init__(self) -> None:
        """Write down the beginning."""
        self._journal()
        if self.launched is not None and overuse.measures_processor_time(self.launched):
            self._processor = ProcessorTime(self.launched.pid, self.limits.cpu)

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.receipt.name

    @property
    def type(self) -> str:
        """The plugin's type in its manifest."""
        return self.receipt.type

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self.life.now.after

    @property
    def cause(self) -> str:
        """Why it is in that state."""
        return self.life.now.cause

    def move(self, state: State, cause: str) -> None:
        """Make a transition, and write it down."""
        self.life.move(state, self.hide(cause))
        self._journal()
        self.on_change()

    def _journal(self) -> None:
        step = self.life.now
        level = "ERROR" if step.after is State.FAILED else "INFO"
        fields = {"version": self.receipt.version, "state": str(step.after)}
        if step.before is not None:
            fields["before"] = str(step.before)
        self.write(level, f"{step.after}: {step.cause}", fields=fields)

    def fail(self, cause: str) -> None:
        """Give this run up; the first cause counts."""
        if self.state in ACTIVE:
            self.move(State.FAILED, cause)
        self.kill()

    def told(self, line: str) -> None:
        """Take one line of its output."""
        line = self.hide(line)
        self.output.append(line)
        self.write("INFO", line, source="output")

    def kill(self) -> None:
        """Send SIGKILL through the pidfd: it names this process and no other, whatever happens to the number."""
        if self.launched is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.launched.pidfd, signal.SIGKILL)

    def watch(self) -> float | None:
        """Hold the plugin to its limits; return in how many seconds to look again, None when it ended."""
        if self.launched is None or self.state is State.FAILED:
            return None
        group = self.launched.group
        if group is not None and group.refusals() > self._refused:
            self._refused = group.refusals()
            self.write("WARNING", f"refused: more than its limit of {self.limits.processes} processes and threads")
        if (cause := self.overuse()) is not None:
            self.fail(cause)
            return None
        seconds = overuse.interval_s(self.launched)
        return seconds if self._processor is None else min(seconds, self._processor.look())

    def overuse(self) -> str | None:
        """Return which limit it has exceeded, as the cause of its end."""
        return None if self.launched is None else overuse.cause(self.launched, self.limits)

    def exited(self, status: int) -> None:
        """Take note that the process has ended.

        Args:
            status: its exit code, or a signal's number negated.
        """
        if self.connection is not None:
            self.connection.close()
        how = f"ended by itself: exit status {status}"
        if status < 0:
            how = f"ended by itself: killed by {_signal_name(-status)}"
        if self.launched is not None:
            os.close(self.launched.pidfd)
            if self.launched.debugger is not None:
                self.launched.debugger.close()
            if self.launched.group is not None:
                how = (self.overuse() if status == -signal.SIGKILL else None) or how
                self.launched.group.remove()
        if self.state is State.STOPPING:
            self.move(State.STOPPED, self.cause)
        elif self.state is not State.FAILED or (self.cause == CLOSED and status != -signal.SIGKILL):
            self.move(State.FAILED, how)  # perhaps only a better cause: a dying process closes its channel first
        self.launched = None
        self.connection = None
        self.ended.set()

    def write(self, level: str, message: str, *, source: str = "manager", fields: dict[str, Any] | None = None) -> None:
        """Write one line to the plugin's log; a full disk must not end a running plugin."""
        record = Record(
            time=timestamp(time.time()),
            plugin=self.name,
            level=level,
            source=source,
            message=self.hide(message),
            fields=self.redaction.value(fields or {}),
        )
        with suppress(OSError):
            self.log.append(record)

    def debugging(self) -> str | None:
        """Return "errors" where only they say more, "ready" or "attached" with a debugger; None out of debug mode."""
        if self.launched is None or not self.debug:
            return None
        if self.launched.debugger is None:
            return "errors"
        return "attached" if self.attached else "ready"

    def hide(self, text: str) -> str:
        """Return a text without its secret settings, those of this moment."""
        return self.redaction.text(text)

    def describe(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {
            "name": self.name,
            "version": self.receipt.version,
            "state": str(self.state),
            "cause": self.cause,
            "since": timestamp(self.life.now.time_s),
            "pid": self.launched.pid if self.launched else None,
            "methods": list(self.methods),
            "isolation": self.launched.level if self.launched else None,
            "not_enforced": list(overuse.not_enforced(self.launched.level, self.launched.group))
            if self.launched
            else [],
            "debug": self.debugging(),
            "history": [
                {"time": timestamp(step.time_s), "state": str(step.after), "cause": step.cause}
                for step in self.life.history
            ],
        }


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
