"""`mobileops.runtime.supervision.restarts`: backoff, jitter, crash loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.supervision.restarts import FIRST_DELAY_S, LONGEST_DELAY_S, MAX_CRASHES, WINDOW_S, Restarts


def test_delays_double_up_to_the_longest() -> None:
    restarts = Restarts(chance=lambda: 1.0)
    delays = [restarts.crashed(now_s=100.0 * number, ran_s=1.0) for number in range(9)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_long_run_begins_the_delays_anew() -> None:
    restarts = Restarts(chance=lambda: 1.0)
    for number in range(4):
        restarts.crashed(now_s=100.0 * number, ran_s=1.0)
    assert restarts.crashed(now_s=1000.0, ran_s=WINDOW_S) == FIRST_DELAY_S


def test_five_crashes_within_the_window_are_a_crash_loop() -> None:
    restarts = Restarts()
    planned = [restarts.crashed(now_s=14.9 * number, ran_s=1.0) is not None for number in range(MAX_CRASHES)]
    assert planned == [True, True, True, True, False]


def test_five_crashes_in_a_little_more_than_the_window_are_not() -> None:
    restarts = Restarts()
    assert all(restarts.crashed(now_s=15.0 * number, ran_s=1.0) is not None for number in range(20))


@given(chance=st.floats(0, 1, exclude_max=True), crashes=st.integers(1, 20))
def test_a_delay_is_within_its_bounds_whatever_chance_says(chance: float, crashes: int) -> None:
    restarts = Restarts(chance=lambda: chance)
    for number in range(crashes):
        delay = restarts.crashed(now_s=WINDOW_S * number, ran_s=1.0)
        assert delay is not None
        assert FIRST_DELAY_S / 2 <= delay <= LONGEST_DELAY_S
