"""Means and medians against SciPy, a Kaplan–Meier curve written out, and the binomial."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from normwise.analysis import mean_estimate, median_epochs
from normwise.errors import SpecError

INF = math.inf


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_mean_has_students_interval(confidence):
    values = [0.81, 0.83, 0.80, 0.86]
    found = mean_estimate(values, confidence)
    expected = stats.t.interval(confidence, 3, np.mean(values), stats.sem(values))
    assert found.value == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert (found.n, found.censored) == (4, 0)


def test_diverged_replicas_are_counted_and_left_out_of_the_mean():
    found = mean_estimate([0.8, math.nan, 0.9, INF])
    assert (found.value, found.n, found.censored) == (pytest.approx(0.85), 2, 2)


@pytest.mark.parametrize(
    ("values", "value"), [([0.8], 0.8), ([math.nan], math.nan), ([], math.nan)]
)
def test_one_value_or_none_sets_no_bounds(values, value):
    found = mean_estimate(values)
    assert found.value == pytest.approx(value, nan_ok=True)
    assert (found.low, found.high) == (-INF, INF)


def test_a_mean_of_a_table_is_refused():
    with pytest.raises(SpecError, match=r"values has shape \(1, 2\); expected one dimension"):
        mean_estimate([[1.0, 2.0]])


def kaplan_meier_median(times, horizon):
    """The curve step by step; its median as R's survfit reports it."""
    at_risk, survival, reached = len(times), 1.0, []
    for time in sorted(t for t in times if t <= horizon):
        survival *= 1 - 1 / at_risk
        at_risk -= 1
        reached.append((time, survival))
    below = [(time, s) for time, s in reached if s <= 0.5 + 1e-12]
    if not below:
        return INF
    first, s = below[0]
    if abs(s - 0.5) < 1e-12 and len(below) > 1:
        return (first + below[1][0]) / 2
    return first


@given(st.lists(st.one_of(st.floats(1, 30), st.just(INF)), min_size=1, max_size=15))
def test_the_median_is_kaplan_meiers(epochs):
    found = median_epochs(epochs, horizon=30)
    assert found.value == pytest.approx(kaplan_meier_median(epochs, 30.0))
    assert found.censored == sum(map(math.isinf, epochs))
    assert found.low <= found.value
    assert found.low <= 30
    assert found.high >= found.value or found.value == INF == found.high


@given(st.floats(1, 30), st.integers(5, 15), st.floats(0.5, 0.99))
@example(1.1, 7, 0.95)
@example(1.1, 10, 0.95)
def test_the_interval_of_equal_epochs_is_their_value(epoch, n, confidence):
    found = median_epochs([epoch] * n, horizon=30, confidence=confidence)
    assert (found.value, found.low, found.high) == (
        (epoch, epoch, epoch) if math.isfinite(found.high) else (epoch, 0.0, INF)
    )
    assert math.isfinite(found.high) or confidence - 0.0125 > 1 - 2 * 0.5**n


@pytest.mark.parametrize("n", range(6, 40))
def test_the_interval_lies_between_neighbouring_binomial_intervals(n):
    found = median_epochs(np.arange(1, n + 1), horizon=100)
    rank = int(stats.binom.ppf(0.025, n, 0.5))  # X(rank) … X(n+1−rank) covers at least 95%.
    assert stats.binom.cdf(rank - 1, n, 0.5) <= 0.025
    assert rank <= found.low <= rank + 1
    assert found.low + found.high == pytest.approx(n + 1)


def test_the_interpolation_is_hettmansperger_and_sheathers():
    # n = 10: ranks 2 and 9 cover 1 − 22/1024 = 97.85%, ranks 3 and 8 1 − 112/1024 = 89.06%.
    part = (1 - 22 / 1024 - 0.95) / (90 / 1024)
    weight = 8 * part / (2 + 6 * part)
    found = median_epochs(range(10, 110, 10), horizon=200)
    assert found.low == pytest.approx(20 + 10 * weight)
    assert found.high == pytest.approx(90 - 10 * weight)


def test_five_replicas_give_their_range_and_four_nothing():
    found = median_epochs([5, 9, 4, 8, 7], horizon=30)
    assert (found.value, found.low, found.high) == (7, 4, 9)
    found = median_epochs([5, 9, 4, 8], horizon=30)
    assert (found.value, found.low, found.high) == (6.5, 0, INF)


def test_what_was_never_reached_leaves_the_upper_end_open():
    found = median_epochs([5, 6, 7, 8, 9, INF, INF, INF], horizon=30)
    assert (found.value, found.high, found.censored) == (8.5, INF, 3)
    nobody = median_epochs([INF] * 8, horizon=30)
    assert (nobody.value, nobody.low, nobody.high) == (INF, 30, INF)


def test_exactly_half_arrived_is_a_median():
    assert median_epochs([5, 6, INF, INF], horizon=30).value == 6


def test_the_median_refuses_epochs_beyond_the_horizon():
    with pytest.raises(SpecError, match=r"epochs\[1\] is 40; expected at most the horizon, 30"):
        median_epochs([5, 40], horizon=30)


def test_the_median_of_thousands_of_replicas():
    epochs = np.random.default_rng(0).lognormal(3, 0.3, 3000)
    found = median_epochs(epochs, horizon=1000)
    ordered, half = np.sort(epochs), 1.96 * 0.5 * math.sqrt(3000)
    # The binomial's normal approximation, good at this size.
    assert found.low == pytest.approx(ordered[round(1500 - half)], rel=0.01)
    assert found.high == pytest.approx(ordered[round(1500 + half)], rel=0.01)
