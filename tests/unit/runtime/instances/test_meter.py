"""`mobileops.runtime.instances.meter`: counts and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.runtime.instances.meter import LAST_BUCKET, Meter, Meters, bucket, quantile_s, upper_edge_s


@given(st.floats(min_value=2e-6, max_value=3000))
def test_a_duration_is_below_the_upper_edge_of_its_bucket_and_no_lower_one(seconds: float) -> None:
    number = bucket(seconds)
    assert seconds <= upper_edge_s(number) * (1 + 1e-9)
    assert number == 0 or seconds >= upper_edge_s(number - 1) * (1 - 1e-9)


@pytest.mark.parametrize(("seconds", "number"), [(0.0, 0), (-1.0, 0), (1e-6, 0), (1e9, LAST_BUCKET)])
def test_what_is_out_of_bounds_has_a_bucket_too(seconds: float, number: int) -> None:
    assert bucket(seconds) == number


@given(st.lists(st.floats(min_value=1e-5, max_value=100), min_size=1, max_size=50), st.sampled_from([0.5, 0.99, 1.0]))
def test_quantiles_are_right_to_within_a_tenth(seconds: list[float], share: float) -> None:
    counted: dict[int, int] = {}
    for one in seconds:
        counted[bucket(one)] = counted.get(bucket(one), 0) + 1
    exact = sorted(seconds)[max(0, -(-len(seconds) * share // 1).__int__() - 1)]
    found = quantile_s(counted, share)
    assert found is not None
    assert found == pytest.approx(exact, rel=0.1)


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile_s({}, 0.5) is None


def test_calls_are_counted_with_their_failures() -> None:
    meter = Meters().of("echo")
    with meter.call():
        pass
    with pytest.raises(ZeroDivisionError), meter.call():
        _ = 1 / 0
    assert (meter.calls, meter.errors, sum(meter.durations.values())) == (2, 1, 2)
    assert meter.seconds > 0


def test_counts_go_on_from_run_to_run() -> None:
    meters = Meters()
    assert meters.of("a") is meters.of("a")
    assert meters.of("a") is not meters.of("b")
    assert isinstance(meters.of("a"), Meter)
