"""The states of a plugin, and which may follow which; nothing here touches a process, a file or a clock.

::

    absent → staged → verified → installed                        the store's part (see `store`)
                                     │
               ┌─────────────────────┘
               ▼                            ┌─ pre_stop said no ─┐
           starting ──ready──► running ─────┼──────stop──────► stopping ──exit──► stopped
               │                ▲   │       │                    ▲  │
               │        healthy │   │ not   │                    │  │
               │                │   ▼       │                    │  │
               │              degraded ─────┴────────stop────────┘  │
               ▼                   ▼                                ▼
             failed ◄──────────────┴────────────────────────────────┘

           quarantined    what is on disk must not be started: a file was changed, or the bundle was revoked

A plugin has *failed* that was not ready in time, ended by itself, had to be killed, or broke the protocol. From
stopped, failed and quarantined a new run leads to starting; failed means that too while a restart waits (`restarts`).

Laws, tested as properties: every transition is one of `SUCCESSORS`; each transition's `before` is the `after` of the
one before it in the same run; every one has a cause.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_HISTORY: Final = 20
"""Transitions of a run that are kept in memory; all of them are lines in the plugin's log."""


class State(enum.StrEnum):
    """Where a plugin is in its life; see the module's diagram."""

    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    QUARANTINED = "quarantined"


SERVING: Final = frozenset({State.RUNNING, State.DEGRADED})
"""The states in which calls are answered."""

ACTIVE: Final = SERVING | {State.STARTING, State.STOPPING}
"""The states in which there is a process."""

SUCCESSORS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {
        State.STARTING: frozenset({State.RUNNING, State.STOPPING, State.FAILED}),
        State.RUNNING: frozenset({State.DEGRADED, State.STOPPING, State.FAILED}),
        State.DEGRADED: frozenset({State.RUNNING, State.STOPPING, State.FAILED}),
        State.STOPPING: frozenset({State.STOPPING, State.RUNNING, State.DEGRADED, State.STOPPED, State.FAILED}),
        State.STOPPED: frozenset(),
        State.FAILED: frozenset({State.FAILED, State.STOPPED}),
        State.QUARANTINED: frozenset(),
    }
)
"""What may follow a state in one run; the same state again is only a better cause.

failed → stopped: the operator stops a plugin whose restart waits.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Transition:
    """One step.

    Attributes:
        time_s: seconds since the epoch.
        before: None for the first of a run.
        after: the state from then on.
        cause: why.
    """

    time_s: float
    before: State | None
    after: State
    cause: str


class Life:
    """The transitions of one run, newest last."""

    def __init__(self, cause: str, *, clock: Callable[[], float]) -> None:
        """Begin in starting.

        Args:
            cause: who or what started it.
            clock: returns seconds since the epoch.
        """
        self._clock = clock
        self._history = deque([Transition(clock(), None, State.STARTING, cause)], maxlen=MAX_HISTORY)

    @property
    def now(self) -> Transition:
        """The last transition."""
        return self._history[-1]

    @property
    def history(self) -> tuple[Transition, ...]:
        """The last `MAX_HISTORY` transitions, oldest first."""
        return tuple(self._history)

    def may(self, state: State) -> bool:
        """Whether that state may follow."""
        return state in SUCCESSORS[self.now.after]

    def move(self, state: State, cause: str) -> Transition:
        """Make a transition and return it.

        Raises:
            ValueError: that state may not follow; the caller is wrong.
        """
        if not self.may(state):
            message = f"{state} may not follow {self.now.after} ({cause})"
            raise ValueError(message)
        self._history.append(Transition(self._clock(), self.now.after, state, cause))
        return self.now
