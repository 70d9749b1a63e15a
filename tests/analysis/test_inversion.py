"""Where samples balance, and what a test accepts, against SciPy's root finder and by hand."""

import math

import numpy as np
import pytest
from scipy import optimize

from normwise.analysis._inversion import balance_point, extended_range

DRAW = np.random.default_rng(4)
HORIZON = 40.0
LOW, HIGH = -4.0, 4.0


def lead(speed, variant, baseline):
    """By how much the variant's geometric mean is below, one replica after the other."""
    cut = min(HORIZON, HORIZON * math.exp(speed))
    ours = [math.log(min(v * math.exp(speed), cut)) for v in variant]
    theirs = [math.log(min(b, cut)) for b in baseline]
    return math.fsum(theirs) / len(theirs) - math.fsum(ours) / len(ours)


@pytest.mark.parametrize("never", [0.0, 0.3])
@pytest.mark.parametrize("_", range(10))
def test_samples_balance_where_a_root_finder_says(never, _):
    variant, baseline = DRAW.uniform(3, 39, 7), DRAW.uniform(3, 39, 5)
    variant[DRAW.random(7) < never] = math.inf
    baseline[DRAW.random(5) < never] = math.inf
    variant[0] = baseline[0] = 20.0  # one of each arrives
    root = optimize.brentq(lead, LOW, HIGH, args=(variant, baseline), xtol=1e-13)
    found = balance_point(variant, baseline, HORIZON, LOW, HIGH)
    assert found == pytest.approx(root, abs=1e-9)


@pytest.mark.parametrize(
    ("variant", "baseline", "point"),
    [
        ([5, 8], [math.inf] * 2, math.inf),
        ([math.inf] * 2, [5, 8], -math.inf),
        # Means of so many equal logarithms do not end on the same digit.
        ([5, 8, 9, 9, 9, 9, 9], [math.inf] * 5, math.inf),
        ([math.inf] * 7, [5, 8, 9, 9, 9], -math.inf),
        ([math.inf] * 2, [math.inf] * 2, math.nan),
    ],
)
def test_where_one_never_arrives_nothing_balances(variant, baseline, point):
    found = balance_point(np.array(variant), np.array(baseline), HORIZON, LOW, HIGH)
    assert found == pytest.approx(point, nan_ok=True)


@pytest.mark.parametrize(
    ("ends", "extended"),
    [
        ((0.4, 0.6), (0.3, 0.7)),
        ((-math.inf, 0.6), (-math.inf, 0.7)),
        ((0.4, math.inf), (0.3, math.inf)),
        ((0.2, 0.9), (0.2, 0.9)),  # never moved inwards
    ],
)
def test_ends_move_outwards_only(ends, extended):
    found = extended_range(lambda speed: abs(speed - 0.5) < 0.2, ends, -1.0, 2.0)
    assert found == pytest.approx(extended, abs=1e-5)


@pytest.mark.parametrize(
    ("accepts", "extended"),
    [
        (lambda speed: speed < 0.7, (-1.0, 0.7)),
        (lambda speed: speed > 0.3, (0.3, 2.0)),
        (lambda speed: speed < math.inf, (-1.0, 2.0)),
    ],
)
def test_what_is_accepted_all_the_way_ends_at_the_stop(accepts, extended):
    found = extended_range(accepts, (0.4, 0.6), -1.0, 2.0)
    assert found == pytest.approx(extended, abs=1e-5)
