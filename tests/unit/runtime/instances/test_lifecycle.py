"""`mobileops.runtime.instances.lifecycle`: which state may follow which."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.instances.lifecycle import ACTIVE, MAX_HISTORY, SERVING, SUCCESSORS, Life, State


def life(*states: State) -> Life:
    one = Life("a test", clock=iter(range(10_000)).__next__)
    for state in states:
        one.move(state, f"towards {state}")
    return one


def test_a_life_begins_in_starting() -> None:
    assert (life().now.before, life().now.after, life().now.cause) == (None, State.STARTING, "a test")


def test_a_transition_has_a_time_and_a_cause() -> None:
    step = life(State.RUNNING).now
    assert (step.time_s, step.before, step.after, step.cause) == (1, State.STARTING, State.RUNNING, "towards running")


@pytest.mark.parametrize("state", [State.STOPPED, State.QUARANTINED])
def test_nothing_follows_an_end(state: State) -> None:
    assert not SUCCESSORS[state]


def test_what_may_not_follow_is_refused_and_changes_nothing() -> None:
    one = life(State.STOPPING, State.STOPPED)
    with pytest.raises(ValueError, match="running may not follow stopped"):
        one.move(State.RUNNING, "a ghost")
    assert one.now.after is State.STOPPED


def test_every_way_out_of_a_process_is_an_end() -> None:
    for state in ACTIVE:
        assert State.FAILED in SUCCESSORS[state]
    assert {state for state in SERVING for _ in [0] if State.STOPPING in SUCCESSORS[state]} == SERVING


@given(st.lists(st.sampled_from(State), max_size=60))
def test_a_history_is_a_chain_of_allowed_steps(wishes: list[State]) -> None:
    one = life()
    for wish in wishes:
        if one.may(wish):
            one.move(wish, "a wish")
    history = one.history
    assert len(history) <= MAX_HISTORY
    assert all(right.before is left.after for left, right in itertools.pairwise(history))
    assert all(step.before is None or step.after in SUCCESSORS[step.before] for step in history)
