"""Gaffke's interval against Clopper and Pearson's, SciPy's B-splines and drawn weights."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import BSpline

from normwise.analysis import _gaffke
from normwise.analysis._bounds import bounds_of
from normwise.analysis._gaffke import _share_below, gaffke_interval
from normwise.analysis._mean import bounded_mean

INF = math.inf


@pytest.mark.parametrize(("n", "ones"), [(1, 0), (1, 1), (5, 4), (10, 3), (30, 30), (40, 0)])
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_of_zeros_and_ones_it_is_clopper_and_pearsons(n, ones, confidence):
    found = gaffke_interval([1] * ones + [0] * (n - ones), (0, 1), confidence)
    exact = stats.binomtest(ones, n).proportion_ci(confidence, method="exact")
    assert found == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize("n", [1, 4, 30, 300])
def test_the_share_below_is_the_integral_of_a_b_spline(n):
    """With knots that coincide, and for as many replicas as a study may have."""
    knots = np.sort(np.append(np.random.default_rng(n).beta(8, 2, n).round(1 + n % 3), 1.0))
    integral = BSpline.basis_element(knots).antiderivative()
    for x in np.linspace(knots[0], knots[-1], 12)[1:-1]:
        expected = integral(x) * n / (knots[-1] - knots[0])
        assert _share_below(x, knots.tolist()) == pytest.approx(expected, abs=1e-12)


def recurrence(x, knots, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_gaffke, "_PAIRS", INF)
        return _share_below(x, knots)


@pytest.mark.parametrize("n", [250, 1000])
@pytest.mark.parametrize("others", [12, 60, 125])
@pytest.mark.parametrize("spread", [1e-6, 0.05])
def test_of_many_knots_the_integral_is_the_recurrence(n, others, spread, monkeypatch):
    """Where most lie close together, too, and where all are of few digits."""
    rng = np.random.default_rng(n)
    values = np.append(spread * rng.random(n - others), 0.5 * rng.random(others))
    for knots in ([*values, 1.0], [*values.round(3), 1.0]):
        deviation = np.std(knots) / math.sqrt(n)
        for x in np.mean(knots) + deviation * np.array([-3, 0, 1.96, 4]):
            if x <= min(knots):
                continue
            expected = recurrence(x, knots, monkeypatch)
            assert _gaffke._share_of_many(x, knots) == pytest.approx(expected, abs=1e-11)


def test_an_interval_of_thousands_of_values_is_a_normal_one_and_takes_no_minutes():
    values = np.random.default_rng(0).beta(4, 2, 2000)
    low, high = gaffke_interval(values.tolist(), (0, 1), 0.95)
    reach = 1.96 * values.std() / math.sqrt(2000)
    # One value more, at the bound, moves a mean by so much at most.
    assert (low, high) == pytest.approx(
        (values.mean() - reach, values.mean() + reach), abs=1 / 2000
    )


def test_the_ends_are_quantiles_of_averages_with_drawn_weights():
    rng = np.random.default_rng(1)
    values = rng.gumbel(0.8, 0.05, 12).clip(0, 1)
    weights = rng.dirichlet(np.ones(13), 200_000)
    low, high = gaffke_interval(values.tolist(), (0, 1), 0.95)
    assert low == pytest.approx(np.quantile(weights @ [0, *values], 0.025), abs=2e-3)
    assert high == pytest.approx(np.quantile(weights @ [*values, 1], 0.975), abs=2e-3)


def test_a_side_without_a_bound_has_no_end():
    low, high = gaffke_interval([0.2, 0.4, 0.3], (-INF, 1), 0.95)
    assert (low, high) == (-INF, gaffke_interval([0.2, 0.4, 0.3], (0, 1), 0.95)[1])
    assert gaffke_interval([3.0, 4.0], (-INF, INF), 0.95) == (-INF, INF)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_equal_values_leave_room_for_those_that_were_not_drawn(value):
    low, high = gaffke_interval([value] * 5, (0, 1), 0.95)
    assert low == pytest.approx(value * 0.025**0.2, abs=1e-9)
    assert high == pytest.approx(1 - (1 - value) * 0.025**0.2, abs=1e-9)


@pytest.mark.parametrize("n", [5, 10])
def test_it_holds_where_a_replica_in_ten_collapses_and_students_does_not(n):
    rng = np.random.default_rng(n)
    values = np.where(rng.random((400, n)) < 0.1, 0.5, rng.normal(0.9, 0.01, (400, n)))
    truth = 0.1 * 0.5 + 0.9 * 0.9

    def covers(low, high):
        return np.mean((low <= truth) & (truth <= high))

    ends = np.array([gaffke_interval(row.tolist(), (0, 1), 0.95) for row in values]).T
    assert covers(*ends) >= 0.93
    half = stats.t.ppf(0.975, n - 1) * values.std(axis=1, ddof=1) / math.sqrt(n)
    assert covers(values.mean(axis=1) - half, values.mean(axis=1) + half) < 0.75


@pytest.mark.parametrize(
    ("metric", "bounds"),
    [
        ("val_accuracy", (0, 1)), ("val_acc", (0, 1)), ("accuracy_2", (0, 1)), ("mean_io_u", (0, 1)),
        ("val_mean_auc", (0, 1)), ("val_mAP", (0, 1)), ("r2_score", (-INF, 1)), ("val_r2", (-INF, 1)),
        ("val_mcc", (-1, 1)), ("cosine_similarity", (-1, 1)), ("val_loss", (-INF, INF)),
        ("accuracy_loss", (-INF, INF)), ("bleu", (-INF, INF)), ("mean_absolute_error", (-INF, INF)),
        ("mapping", (-INF, INF)),
    ],
)  # fmt: skip
def test_a_name_says_between_which_values_a_metric_lies(metric, bounds):
    assert bounds_of(metric) == bounds


def test_what_was_seen_overrules_a_name():
    assert bounds_of("accuracy", [0.2, 1.0 + 1e-7]) == (0, 1)
    assert bounds_of("accuracy", [84.5, 99.9, 0.0]) == (0, 100)
    assert bounds_of("accuracy", [-3.0]) == bounds_of("accuracy", [120.0]) == (-INF, INF)
    assert bounds_of("r2", [2.0]) == (-INF, INF)


def test_a_mean_leaves_out_what_diverged_and_says_what_it_is_of():
    found = bounded_mean([0.8, math.nan, 1.0 + 1e-7], (0, 1))
    assert (found.n, found.censored, found.value) == (2, 1, pytest.approx(0.9))
    assert found.method == "mean over 2 replicas with Gaffke's interval for values from 0 to 1"
    free = bounded_mean([3.0, 4.0], (-INF, INF))
    assert (free.value, free.low, free.high) == (3.5, -INF, INF)
    assert (
        free.method
        == "mean over 2 replicas, of which no interval holds where replicas may collapse"
    )
    nothing = bounded_mean([math.nan], (0, 1))
    assert (nothing.n, nothing.low, nothing.high) == (0, -INF, INF)
    assert math.isnan(nothing.value)
