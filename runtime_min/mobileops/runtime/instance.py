"""One run of one plugin: its state, its process, its log.

::

    starting ──ready──► running ──stop──► stopping ──exit──► stopped
       │                   │                 │
       └──────► failed ◄───┴─────────────────┘

A plugin has failed that was not ready in time, ended by itself, had to be killed, or broke the protocol.

Every transition has a cause and a time, and is a line in the plugin's log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mobileops.runtime import overuse
from mobileops.runtime.logs import LogFile, Record, timestamp

if TYPE_CHECKING:
    from mobileops.runtime.connection import Connection
    from mobileops.runtime.decisions import Decisions
    from mobileops.runtime.isolation.policy import Limits
    from mobileops.runtime.launcher import Launched
    from mobileops.runtime.receipts import Receipt


class State(enum.StrEnum):
    """Where a plugin is in its life; see the module's diagram."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


ACTIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})
"""The states in which there is a process."""


@dataclasses.dataclass(slots=True)
class Instance:
    """One run of one plugin.

    Attributes:
        receipt: what was started.
        launched: its process; None once it has ended.
        log: its log file.
        stop_timeout_s: how long it may take to stop.
        limits: what it may use.
        decisions: what is decided about its permissions.
        network: whether the network broker serves it.
        state: now.
        cause: why it is in that state.
        since: seconds since the epoch of the last transition.
        connection: its channel; None once it has ended.
        methods: exported methods, known from "ready" on.
        ready: set at the transition to running.
        ended: set when the process has ended.
    """

    receipt: Receipt
    launched: Launched | None
    log: LogFile
    stop_timeout_s: float
    limits: Limits
    decisions: Decisions
    network: bool = False
    state: State = State.STARTING
    cause: str = ""
    since: float = 0.0
    connection: Connection | None = None
    methods: tuple[str, ...] = ()
    ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    _refused: int = 0

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.receipt.name

    def move(self, state: State, cause: str) -> None:
        """Make a transition, and write it down."""
        self.state, self.cause, self.since = state, cause, time.time()
        level = "ERROR" if state is State.FAILED else "INFO"
        self.write(level, f"{state}: {cause}", fields={"version": self.receipt.version})

    def fail(self, cause: str) -> None:
        """Give the plugin up."""
        self.move(State.FAILED, cause)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL through the pidfd: it names this process and no other, whatever happens to the number."""
        if self.launched is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.launched.pidfd, signal.SIGKILL)

    def watch(self) -> float | None:
        """Kill the plugin if it has exceeded a limit; return in how many seconds to look again, None when it ended."""
        if self.launched is None or self.state is State.FAILED:
            return None
        group = self.launched.group
        if group is not None and group.refusals() > self._refused:
            self._refused = group.refusals()
            self.write("WARNING", f"refused: more than its limit of {self.limits.processes} processes and threads")
        if (cause := self.overuse()) is not None:
            self.fail(cause)
            return None
        return overuse.interval_s(self.launched)

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
            how = f"ended by itself: killed by {signal.Signals(-status).name}"
        if self.launched is not None:
            os.close(self.launched.pidfd)
            if self.launched.group is not None:
                how = (self.overuse() if status == -signal.SIGKILL else None) or how
                self.launched.group.remove()
        if self.state is State.STOPPING:
            self.move(State.STOPPED, self.cause)
        elif self.state is not State.FAILED:
            self.move(State.FAILED, how)
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
            message=message,
            fields=fields or {},
        )
        with suppress(OSError):
            self.log.append(record)

    def describe(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {
            "name": self.name,
            "version": self.receipt.version,
            "state": str(self.state),
            "cause": self.cause,
            "since": timestamp(self.since),
            "pid": self.launched.pid if self.launched else None,
            "methods": list(self.methods),
            "isolation": self.launched.level if self.launched else None,
            "not_enforced": list(overuse.not_enforced(self.launched.level, self.launched.group))
            if self.launched
            else [],
        }
